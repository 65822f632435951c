// What connect, resolve and ping have in common: the daemon's machine tries something within --timeout.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "appliance/cli/client/command.hpp"

namespace appliance::cli {

class Diagnosis : public Query {
public:
    using Query::Query;

    // Code 1 with why_not(), where that is not empty.
    [[nodiscard]] Outcome present(const Json& body, const Screen& screen) const override;

protected:
    // The positional argument, and --timeout.
    void declare_target(CLI::App& app, Common& common, const std::string& name, const std::string& help);
    // POST /v1/diagnose/what. It changes nothing, so it carries no reason.
    [[nodiscard]] Request diagnose(const std::string& what, Json body) const;
    // Why it did not work, in one line; empty where it did.
    [[nodiscard]] virtual std::string why_not(const Json& body) const = 0;
    [[nodiscard]] const std::string& target() const noexcept { return target_; }

private:
    std::string target_;  // a name or an address
};

// "0.42 ms", "12 ms".
std::string print_ms(const Json& object, const char* key);
// "web1 (10.0.0.11)"; only the host where it is the address.
std::string with_address(const std::string& host, const std::string& address);

}  // namespace appliance::cli

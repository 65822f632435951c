// Order: a command of `gatehouse deploy` that orders something of a rollout. It then runs the rollout's commands, if
// any, in this terminal.
#pragma once

#include <optional>

#include "appliance/cli/client/change.hpp"
#include "appliance/cli/deploy/consent.hpp"

namespace appliance::cli {

class Order : public Change {
public:
    using Change::Change;

    // POST path() with order(). The body goes out with the reason and the operator.
    [[nodiscard]] Request request() const override;
    [[nodiscard]] std::string stands(const api::Client& client) const override;
    // A plan, or what became of the rollout.
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override;
    int run(const Finish& finish) override;

protected:
    [[nodiscard]] virtual const char* path() const = 0;
    // What is ordered, without reason and operator. Error: a file that it names is no good (code 2).
    [[nodiscard]] virtual core::Result<Json> order() const = 0;
    // Which commands may follow on this machine; nothing where none do.
    [[nodiscard]] virtual std::optional<CommandSource> commands() const { return std::nullopt; }
    // Begins a rollout, which may come late: first the guards are asked.
    [[nodiscard]] virtual bool begins() const { return false; }
    // Only asks what would be done.
    [[nodiscard]] virtual bool plans() const { return false; }

private:
    [[nodiscard]] Request request_of(const Json& body) const;
    // Nothing where a signal came first; left is what is to be said then.
    std::optional<core::Result<api::Answer>> send_order(const api::Client& client, const Json& body,
                                                        Outcome& left) const;
    int follow(const api::Client& client, std::int64_t rollout, Permit permit, const Finish& finish) const;
};

}  // namespace appliance::cli

#include "appliance/cli/commands/diagnosis.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "appliance/cli/client/arguments.hpp"
#include "appliance/cli/client/exit_code.hpp"

namespace appliance::cli {

void Diagnosis::declare_target(CLI::App& app, Common& common, const std::string& name, const std::string& help) {
    app.add_option(name, target_, help)->type_name("")->required();
    add_duration(app, "--timeout", "Give up after DURATION, 1ms to 10s (5s)", [&common](core::Milliseconds duration) {
        if (duration < core::Milliseconds(1) || duration > core::Milliseconds(10'000)) {
            throw CLI::ValidationError("--timeout", fmt::format("'{}' is not a duration from 1ms to 10s",
                                                                core::base::print_duration(duration)));
        }
        common.wait = duration;
    });
}

Request Diagnosis::diagnose(const std::string& what, Json body) const {
    const core::Milliseconds timeout = common().wait.value_or(core::Milliseconds(5'000));
    body["timeout_ms"] = timeout.count();
    return post_request("/v1/diagnose/" + what, body, timeout);
}

Outcome Diagnosis::present(const Json& body, const Screen& screen) const {
    Outcome outcome = Query::present(body, screen);
    if (const std::string why = why_not(body); !why.empty()) {
        outcome.code = failed;
        outcome.err += complaint(why);
    }
    return outcome;
}

std::string print_ms(const Json& object, const char* key) {
    const Json& found = field(object, key);
    const double value = found.is_number() ? found.get<double>() : 0;
    return value < 10 ? fmt::format("{:.2f} ms", value) : fmt::format("{:.0f} ms", value);
}

std::string with_address(const std::string& host, const std::string& address) {
    return host == address || address.empty() ? host : fmt::format("{} ({})", host, address);
}

}  // namespace appliance::cli

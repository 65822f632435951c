#include "appliance/cli/client/outcome.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "appliance/base/bounded_json.hpp"
#include "appliance/cli/client/exit_code.hpp"
#include "appliance/cli/terminal/style.hpp"

namespace appliance::cli {

std::string complaint(const std::string& text) {
    return fmt::format("gatehouse: {}\n", clean(text));
}

Outcome outcome_of_failure(const core::Error& error) {
    return {failed, {}, complaint(error.line())};
}

Outcome outcome_of(const core::Error& error) {
    return {unreachable, {}, complaint(error.line())};
}

Outcome refusal_of(const api::Answer& answer) {
    const Json body = base::parse_json<Json>(answer.body, base::wide_bounds);
    std::string said = print_error(body);
    if (said.empty()) {
        said = fmt::format("the daemon answered {} and no reason; look at its log", answer.status);
    }
    Outcome outcome{failed, {}, complaint(said)};
    if (answer.status == 422) {
        outcome.code = wrong_usage;
        for (const Json& problem : items(body, "problems")) {
            outcome.err += problem.is_string() ? clean(problem.get<std::string>()) + "\n" : "";
        }
    } else if (answer.status == 408 || answer.status == 504) {
        outcome.code = timed_out;
    }
    return outcome;
}

Outcome outcome_of_unwritten(int error) {
    if (error == EPIPE) {
        return {done, {}, {}};
    }
    return outcome_of_failure(core::fail_os("cannot write to standard output", error).value());
}

tl::expected<Json, Outcome> body_of(const api::Answer& answer) {
    if (answer.status < 200 || answer.status > 299) {
        return tl::unexpected(refusal_of(answer));
    }
    Json body = base::parse_json<Json>(answer.body, base::wide_bounds);
    if (!body.is_object()) {
        return tl::unexpected(
            Outcome{failed, {}, complaint("the daemon's answer is not JSON; is it another version?")});
    }
    return body;
}

std::string remarks_of(const Json& body) {
    std::string lines;
    for (const Json& note : items(body, "notes")) {
        lines += note.is_string() ? clean(note.get<std::string>()) + "\n" : "";
    }
    for (const Json& warning : items(body, "warnings")) {
        lines += warning.is_string() ? complaint("warning: " + warning.get<std::string>()) : "";
    }
    return lines;
}

std::string dump(const Json& value) {
    return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace appliance::cli

#include "appliance/control/routes/replies.hpp"

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

namespace appliance::control {

using Json = nlohmann::ordered_json;

api::Reply reply(int status, const Json& body) {
    return {status, "application/json", body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"};
}

api::Reply reply(const Refusal& refusal) {
    Json body{{"error", {{"what", refusal.error.what}, {"why", refusal.error.why}, {"mend", refusal.error.mend}}}};
    if (!refusal.problems.empty()) {
        body["problems"] = refusal.problems;
    }
    return reply(refusal.status, body);
}

api::Reply reply(const Outcome<Json>& outcome) {
    return outcome ? reply(200, *outcome) : reply(outcome.error());
}

api::Reply complain(int status, const core::Error& error) {
    return reply(Refusal{status, error, {}});
}

api::Reply complain(int status, std::string what, std::string mend) {
    return complain(status, core::Error{std::move(what), "", std::move(mend), 0});
}

std::optional<std::uint64_t> read_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::optional<std::uint64_t> number_in(const api::Request& request, const char* name) {
    const auto found = request.query.find(name);
    return found == request.query.end() ? std::nullopt : read_number(found->second);
}

std::optional<bool> flag_in(const api::Request& request, const char* name) {
    const auto found = request.query.find(name);
    if (found == request.query.end() || found->second == "0") {
        return false;
    }
    return found->second == "1" ? std::optional(true) : std::nullopt;
}

}  // namespace appliance::control

#include "appliance/cli/terminal/view.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "core/base/result.hpp"

namespace appliance::cli {

const Json& field(const Json& object, const char* key) {
    static const Json null;
    const auto found = object.find(key);
    return object.is_object() && found != object.end() ? *found : null;
}

const Json& items(const Json& object, const char* key) {
    static const Json none = Json::array();
    const Json& found = field(object, key);
    return found.is_array() ? found : none;
}

std::string text(const Json& object, const char* key, const std::string& fallback) {
    const Json& found = field(object, key);
    return found.is_string() ? found.get<std::string>() : fallback;
}

std::int64_t number(const Json& object, const char* key) {
    const Json& found = field(object, key);
    return found.is_number() ? found.get<std::int64_t>() : 0;
}

std::optional<core::WallTime> time(const Json& object, const char* key) {
    const auto parsed = core::base::parse_time(text(object, key));
    return parsed ? std::optional(*parsed) : std::nullopt;
}

std::string print_count(std::int64_t count) {
    constexpr std::array<char, 4> units{'k', 'M', 'G', 'T'};
    if (count < 100'000) {
        return std::to_string(count);
    }
    double value = static_cast<double>(count) / 1000;
    std::size_t unit = 0;
    while (value >= 999.5 && unit + 1 < units.size()) {
        value /= 1000;
        ++unit;
    }
    return value < 9.95 ? fmt::format("{:.1f}{}", value, units[unit]) : fmt::format("{:.0f}{}", value, units[unit]);
}

std::string print_count(const Json& object, const char* key) {
    return field(object, key).is_number() ? print_count(number(object, key)) : "?";
}

std::string print_in_flight(const Json& object, const char* key) {
    return field(object, key).is_number() ? print_count(number(object, key)) + " in flight"
                                          : "how many are in flight is not known: the proxy does not answer";
}

std::string print_number(std::int64_t count, const std::string& noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string print_since(const Json& object, const char* key, core::WallTime now) {
    const auto since = time(object, key);
    return since ? core::base::print_age(now - *since) : "-";
}

std::string print_until(const Json& object, const char* key, core::WallTime now) {
    const auto until = time(object, key);
    if (!until) {
        return "-";
    }
    // What was set for 10 seconds a moment ago is not "9s".
    return *until <= now ? "over" : core::base::print_age(std::chrono::ceil<std::chrono::seconds>(*until - now));
}

std::string or_dash(const std::string& text) {
    return text.empty() ? "-" : text;
}

std::string print_length(core::Milliseconds length) {
    const std::string words = core::base::print_age(length);
    const auto read = core::base::parse_duration(words);
    return read && *read == length ? words : core::base::print_duration(length);
}

std::string print_owner(const Json& fence) {
    const Json& owner = field(fence, "owner");
    const Json& rollout = field(owner, "rollout");
    return text(owner, "kind") == "rollout" && rollout.is_number() ? fmt::format("rollout {}", rollout.dump())
                                                                   : text(fence, "who");
}

std::string print_error(const Json& body) {
    const Json& error = field(body, "error");
    const core::Error parts{text(error, "what"), text(error, "why"), text(error, "mend")};
    return parts.what.empty() ? parts.why : parts.line();
}

}  // namespace appliance::cli

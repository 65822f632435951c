// A command line as tests write it: the words behind "gatehouse"; and what its command asks, shows and leaves.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "appliance/cli/client/change.hpp"
#include "appliance/cli/parser.hpp"
#include "tests/appliance/cli/now.hpp"

namespace appliance::cli {

using Words = std::vector<const char*>;

inline tl::expected<Invocation, Ending> parse(Words words, const std::string& claimed_by = {}) {
    words.insert(words.begin(), "gatehouse");
    Common common;
    common.now = now;
    common.claimed_by = claimed_by;
    return parse(static_cast<int>(words.size()), words.data(), std::move(common));
}

// The one line of standard error for a wrong command line.
inline std::string refusal(const Words& words) {
    const auto parsed = parse(words);
    if (parsed) {
        return "accepted";
    }
    EXPECT_EQ(parsed.error().code, 2);
    return parsed.error().text;
}

// The command of a good command line; throws where it is wrong, or is no command of that type.
template <typename Type>
class Asked {
public:
    explicit Asked(const Words& words, const std::string& claimed_by = {})
        : invocation_(std::move(parse(words, claimed_by).value())) {}
    Type& operator*() { return dynamic_cast<Type&>(*invocation_.command); }
    Type* operator->() { return &**this; }

private:
    Invocation invocation_;
};

inline Request request_of(const Words& words, const std::string& claimed_by = {}) {
    return Asked<Query>(words, claimed_by)->request();
}

// The body of its request.
inline Json order_of(const Words& words, const std::string& claimed_by = {}) {
    return Json::parse(request_of(words, claimed_by).body);
}

// What it prints of that answer.
inline std::string show_answer(const Words& words, const Json& answer, const Style& style = {},
                               core::WallTime at = now) {
    return Asked<Query>(words)->show(answer, {at, style});
}

// What it leaves of a success with that body.
inline Outcome outcome_of_answer(const Words& words, const std::string& body) {
    return Asked<Query>(words)->outcome({200, "application/json", body}, {core::base::wall_now(), {}});
}

// Runs it; --socket names the daemon.
inline Outcome run_command(Words words, const std::string& socket = "/nonexistent") {
    words.insert(words.end(), {"--socket", socket.c_str()});
    Outcome left;
    Asked<Command>(words)->run([&left](const Outcome& outcome) {
        left = outcome;
        return outcome.code;
    });
    return left;
}

}  // namespace appliance::cli

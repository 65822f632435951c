// A command line as tests write it: the words behind "gatehouse".
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "appliance/cli/parser.hpp"
#include "tests/appliance/cli/now.hpp"

namespace appliance::cli {

inline tl::expected<Options, Ending> parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "gatehouse");
    return parse(static_cast<int>(arguments.size()), arguments.data(), now);
}

// The one line of standard error for a wrong command line.
inline std::string refusal(const std::vector<const char*>& arguments) {
    const auto parsed = parse(arguments);
    if (parsed) {
        return "accepted";
    }
    EXPECT_EQ(parsed.error().code, 2);
    return parsed.error().text;
}

}  // namespace appliance::cli

// Parses heads that must be valid, for tests of their readers and writers.
#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "core/http/parser.hpp"

namespace core::http {

inline RequestHead request(std::string_view bytes) {
    RequestHead head;
    const ParseResult result = parse_request(bytes, {}, head);
    EXPECT_TRUE(result.complete()) << result.reason;
    return head;
}

inline ResponseHead response(std::string_view bytes, std::string_view method = "GET") {
    ResponseHead head;
    const ParseResult result = parse_response(bytes, {}, method, head);
    EXPECT_TRUE(result.complete()) << result.reason;
    return head;
}

}  // namespace core::http

// Span: a stretch of time in which a meeting or a window forbids a deploy.
#pragma once

#include <string>
#include <string_view>

#include "core/base/duration.hpp"

namespace appliance::guard {

struct Span {
    core::WallTime from;
    core::WallTime until;  // after from
    std::string why;

    friend bool operator==(const Span&, const Span&) = default;
};

// Other people's words, fit for a line of the log: at most 120 bytes, no half character, no control characters, UTF-8.
std::string brief(std::string_view text);

}  // namespace appliance::guard

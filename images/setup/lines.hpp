// Lines of key=value, as an operator writes them. Pure.
#pragma once

#include <functional>
#include <string_view>

#include "core/base/result.hpp"

namespace images::setup {

struct Line {
    std::string_view text;  // without spaces at its end
    std::string_view key;
    std::string_view value;  // empty where there is no '='
};

// Calls take for each line but empty ones and comments (#), until one is refused. Error: the refusal.
core::base::Result<void> each_line(std::string_view text, const std::function<core::base::Result<void>(Line)>& take);

// A host's name as far as its letters and its length tell: 1 to 253 of letters, digits, '-' and '.' (RFC 1123, 2.1).
bool is_host_name(std::string_view text) noexcept;

}  // namespace images::setup

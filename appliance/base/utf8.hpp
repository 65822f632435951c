// UTF-8: what a text from outside must be before it is stored, logged or printed as JSON.
#pragma once

#include <string_view>

namespace appliance::base {

// True for well-formed UTF-8 (Unicode 15, table 3-7): no overlong forms, no surrogates, nothing cut off. Pure.
bool is_utf8(std::string_view text) noexcept;

}  // namespace appliance::base

// Bounded JSON: reads a text from outside of this process. Parsing is iterative, but copying and printing a value
// recurse. A text that is nested too deep would overflow the stack there. Pure.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/base/result.hpp"

namespace appliance::base {

// What a text may hold. All three are checked before the text is parsed.
struct JsonBounds {
    std::size_t bytes = std::size_t{1} << 20;
    std::size_t depth = 32;       // arrays and objects in each other
    std::size_t values = 16'384;  // in all; a value takes up to 100 bytes of memory for 2 bytes of text
};
// For what a Gatehouse has written: answers of the API, records of the state folder.
inline constexpr JsonBounds wide_bounds{std::size_t{64} << 20, 64, std::size_t{4} << 20};

// Error: which bound the text exceeds. It says nothing of whether the text is JSON.
core::Result<void> check_bounds(std::string_view text, const JsonBounds& bounds = {});

// Error: which bound the text exceeds, or that it is not JSON. The value's fields are sorted.
core::Result<nlohmann::json> read_json(std::string_view text, const JsonBounds& bounds = {});
// The same, and the value's fields stay in the text's order.
core::Result<nlohmann::ordered_json> read_ordered_json(std::string_view text, const JsonBounds& bounds = {});

// The same for readers that ask for the type of all that they read: where there is an error, the value is a discarded
// one, which is of no type.
template <typename Json = nlohmann::json>
Json parse_json(std::string_view text, const JsonBounds& bounds = {}) {
    return check_bounds(text, bounds) ? Json::parse(text, nullptr, false) : Json(nlohmann::detail::value_t::discarded);
}

}  // namespace appliance::base

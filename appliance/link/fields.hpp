// Fields: how the decoders of messages read JSON that another process wrote. Each reader takes one field of one type
// within its bounds, or throws Malformed. decode() turns that into an error, so no exception leaves a decoder. A number
// that does not fit is never converted.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/duration.hpp"
#include "core/base/result.hpp"

namespace appliance::link {

// How deep a message may be nested; ours are six deep at most.
inline constexpr std::size_t depth_max = 32;
inline constexpr std::size_t text_field_max = std::size_t{1} << 20;
inline constexpr std::size_t list_max = 65'536;

// The text as an object. Errors: it is no JSON, no object, or nested deeper than depth_max. Never throws.
core::Result<nlohmann::json> parse_message(std::string_view text);

struct Malformed : std::runtime_error {
    Malformed(std::string_view field, std::string_view trouble);
};

// object[name]. Throws Malformed: object is none, or has no such field. The result lives as long as object.
const nlohmann::json& read_field(const nlohmann::json& object, const char* name);
// A list of at most so many items, and a text of at most so many bytes.
const nlohmann::json& read_list(const nlohmann::json& object, const char* name, std::size_t most = list_max);
std::string read_text(const nlohmann::json& object, const char* name, std::size_t most = text_field_max);
std::vector<std::string> read_texts(const nlohmann::json& object, const char* name, std::size_t most);
bool read_flag(const nlohmann::json& object, const char* name);
core::Address read_address(const nlohmann::json& object, const char* name);
// From 0 to a hundred years: far from where a sum of a few would overflow.
core::Milliseconds read_ms(const nlohmann::json& object, const char* name);
// name: for the error.
std::uint64_t read_number(const nlohmann::json& number, const char* name, std::uint64_t least, std::uint64_t most);

template <std::unsigned_integral Number>
Number read_number(const nlohmann::json& object, const char* name, std::uint64_t least = 0,
                   std::uint64_t most = std::numeric_limits<Number>::max()) {
    return static_cast<Number>(read_number(read_field(object, name), name, least, most));
}

// What read() returns, or why it could not: "cannot understand WHAT".
template <typename Read>
auto decode(const char* what, Read read) -> core::Result<decltype(read())> {
    try {
        return read();
    } catch (const std::exception& error) {
        return core::fail(std::string("cannot understand ") + what, error.what());
    }
}

}  // namespace appliance::link

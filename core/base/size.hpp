// Sizes of memory as operators write and read them: "512B", "16KiB", "1MiB".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace core::base {

// Bytes, from a whole number with one unit of B, KiB, MiB, GiB. Range 0 to 1024GiB. Error: what is wrong and how to
// write it.
Result<std::uint64_t> parse_size(std::string_view text);

// The shortest exact form: "512B", "16KiB", "1MiB"; "0B".
std::string print_size(std::uint64_t bytes);

}  // namespace core::base

// The settings of a run from the environment.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace tests::search {

inline std::uint64_t setting(const char* name, int base, std::uint64_t otherwise) {
    const char* const text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, base);
}

}  // namespace tests::search

// What the environment says of a run.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace tests::search {

inline std::uint64_t setting(const char* name, int base, std::uint64_t otherwise) {
    const char* const text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, base);
}

// Virtual milliseconds for each real one. A sanitizer makes the program slower, and not the time that it waits.
inline unsigned pace() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    constexpr unsigned usual = 10;
#else
    constexpr unsigned usual = 50;
#endif
    return static_cast<unsigned>(setting("GATEHOUSE_SEARCH_PACE", 10, usual));
}

}  // namespace tests::search

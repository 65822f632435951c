// Random numbers and noise that depend on a seed alone: both ends of a connection, and a later replay, produce the
// same.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tests::torture {

// The finaliser of splitmix64.
constexpr std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
}

constexpr std::uint64_t golden = 0x9e3779b97f4a7c15ULL;

class Random {
public:
    explicit Random(std::uint64_t seed) noexcept : state_(seed) {}
    std::uint64_t next() noexcept { return mix(state_ += golden); }
    // 0 to end - 1.
    std::uint64_t below(std::uint64_t end) noexcept { return next() % end; }
    bool chance(unsigned percent) noexcept { return below(100) < percent; }
    // 0 to most; each order of magnitude is equally likely.
    std::uint64_t size(std::uint64_t most) noexcept {
        const auto bits = below(static_cast<std::uint64_t>(std::bit_width(most)) + 1);
        return bits == 0 ? 0 : std::min(most, (std::uint64_t{1} << (bits - 1)) + below(std::uint64_t{1} << (bits - 1)));
    }

private:
    std::uint64_t state_;
};

// The first size bytes of the endless noise of seed.
inline std::string noise(std::uint64_t seed, std::size_t size) {
    std::string bytes(size, 0);
    for (std::size_t at = 0; at < size; at += sizeof seed) {
        const std::uint64_t word = mix(seed += golden);
        std::memcpy(bytes.data() + at, &word, std::min(sizeof word, size - at));
    }
    return bytes;
}

// The first position where bytes differ from the noise of seed; their size where they do not.
inline std::size_t alike(std::uint64_t seed, std::string_view bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += sizeof seed) {
        const std::uint64_t word = mix(seed += golden);
        const std::size_t count = std::min(sizeof word, bytes.size() - at);
        if (std::memcmp(bytes.data() + at, &word, count) != 0) {
            return at;
        }
    }
    return bytes.size();
}

}  // namespace tests::torture

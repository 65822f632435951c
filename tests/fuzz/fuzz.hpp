// Shared parts of netfilter's fuzz targets. Included by targets only: it needs libFuzzer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/verify.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t room);

namespace netfilter::fuzz {

// Prints the check's finding and aborts, where there is one.
inline int hold(std::string_view (*check)(std::span<const std::byte>), const std::uint8_t* data, std::size_t size) {
    const auto trouble = check({reinterpret_cast<const std::byte*>(data), size});
    if (!trouble.empty()) {
        std::fprintf(stderr, "%.*s\n", static_cast<int>(trouble.size()), trouble.data());
    }
    VERIFY(trouble.empty());
    return 0;
}

// Sometimes restarts from one of the seeds, else mutates as libFuzzer does.
inline std::size_t mutate(const std::vector<std::vector<std::byte>>& seeds, std::uint8_t* data, std::size_t size,
                          std::size_t room, unsigned chance) {
    if (size < 20 || chance % 64 == 0) {
        const auto& seed = seeds[chance / 64 % seeds.size()];
        size = std::min(seed.size(), room);
        std::memcpy(data, seed.data(), size);
    }
    return LLVMFuzzerMutate(data, size, room);
}

}  // namespace netfilter::fuzz

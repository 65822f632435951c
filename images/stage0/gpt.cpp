#include "images/stage0/gpt.hpp"

#include <algorithm>
#include <cstring>

namespace images::stage0 {
namespace {

template <typename Number>
Number read(std::span<const std::byte> bytes, std::size_t at) noexcept {
    Number number{};
    std::memcpy(&number, bytes.data() + at, sizeof number);  // x86 and this table are both little endian
    return number;
}

int digit(char c) noexcept {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

Guid as_on_disk(std::span<const std::uint8_t> uuid) noexcept {
    Guid guid{};
    std::copy(uuid.begin(), uuid.end(), guid.begin());
    std::reverse(guid.begin(), guid.begin() + 4);
    std::reverse(guid.begin() + 4, guid.begin() + 6);
    std::reverse(guid.begin() + 6, guid.begin() + 8);
    return guid;
}

}  // namespace

std::optional<std::array<std::uint8_t, 32>> parse_hash(std::string_view text) noexcept {
    std::array<std::uint8_t, 32> hash{};
    if (text.size() != 2 * hash.size()) {
        return std::nullopt;
    }
    for (std::size_t at = 0; at < hash.size(); ++at) {
        const int high = digit(text[2 * at]);
        const int low = digit(text[2 * at + 1]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        hash.at(at) = static_cast<std::uint8_t>(high * 16 + low);
    }
    return hash;
}

Halves split(const std::array<std::uint8_t, 32>& hash) noexcept {
    const std::span<const std::uint8_t> bytes(hash);
    return {as_on_disk(bytes.first(16)), as_on_disk(bytes.last(16))};
}

std::optional<Gpt> parse_gpt(std::span<const std::byte> header) noexcept {
    if (header.size() < 92 || std::memcmp(header.data(), "EFI PART", 8) != 0) {
        return std::nullopt;
    }
    const Gpt table{.entries_lba = read<std::uint64_t>(header, 72),
                    .entries = read<std::uint32_t>(header, 80),
                    .entry_size = read<std::uint32_t>(header, 84)};
    const bool usable = table.entries_lba >= 2 && table.entries_lba < (std::uint64_t{1} << 40U) && table.entries >= 1 &&
                        table.entries <= 1024 && table.entry_size >= 128 && table.entry_size <= 4096;
    return usable ? std::optional(table) : std::nullopt;
}

unsigned find_partition(const Gpt& table, std::span<const std::byte> entries, const Guid& wanted) noexcept {
    for (unsigned number = 1; number <= table.entries; ++number) {
        const std::size_t at = std::size_t{number - 1} * table.entry_size;
        if (at + 32 > entries.size()) {
            return 0;
        }
        if (std::memcmp(entries.data() + at + 16, wanted.data(), wanted.size()) == 0) {
            return number;
        }
    }
    return 0;
}

}  // namespace images::stage0

// Notice: what the fence process reports to control without a request. One packet of fixed size; its size tells it from
// the replies of helper_protocol.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

#include "netfilter/model/repair.hpp"

namespace netfilter {

// Another program has changed the table of fences.
struct Notice {
    std::string process;           // see ForeignChange; empty: not known
    std::uint32_t pid = 0;         // 0: not known
    std::uint32_t generation = 0;  // 0: not known
    Repair repaired;               // what differed and was repaired
    std::string trouble;           // why it was not repaired; empty: it was

    friend bool operator==(const Notice&, const Notice&) = default;
};

namespace wire {

struct NoticePacket {
    std::uint32_t magic;
    std::uint32_t pid;
    std::uint32_t generation;
    std::uint32_t structure;
    std::uint32_t missing;
    std::uint32_t altered;
    std::array<char, 64> process;  // closed by a zero; the kernel's names have 15 bytes
    std::array<char, 512> trouble;
};
static_assert(std::is_trivially_copyable_v<NoticePacket> && std::has_unique_object_representations_v<NoticePacket>);

// Cuts long texts.
[[nodiscard]] NoticePacket pack(const Notice& notice);
// Empty for a packet that pack() never produces.
[[nodiscard]] std::optional<Notice> unpack(const NoticePacket& packet);

}  // namespace wire
}  // namespace netfilter

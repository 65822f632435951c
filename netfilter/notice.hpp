// Notice: what the fence process tells control without being asked. One packet of fixed size, which its size tells from
// the replies of helper_protocol.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

namespace netfilter {

// What somebody else had done to the table of fences, and is undone.
struct Repair {
    bool structure = false;     // chains, rules or maps differed
    std::uint32_t missing = 0;  // fences that were not in the kernel
    std::uint32_t altered = 0;  // fences that were there, but not as they should be

    [[nodiscard]] bool any() const { return structure || missing > 0 || altered > 0; }
    friend bool operator==(const Repair&, const Repair&) = default;
};
// Many repairs told as one: a fence that was put back twice counts twice.
void add(Repair& to, const Repair& more);

// Somebody else has changed the table of fences.
struct Notice {
    std::string process;           // see ForeignChange; empty: not known
    std::uint32_t pid = 0;         // 0: not known
    std::uint32_t generation = 0;  // 0: not known
    Repair repaired;               // what differed, and is right again
    std::string trouble;           // why it is not; empty: it is

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

// Texts that are too long are cut.
[[nodiscard]] NoticePacket pack(const Notice& notice);
// Nothing where pack() makes no such packet.
[[nodiscard]] std::optional<Notice> unpack(const NoticePacket& packet);

}  // namespace wire
}  // namespace netfilter

// Fence: a backend cut off in nftables, in an operator's terms. The kernel keeps all its values, so that the kernel
// alone is enough to rebuild it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/base/address.hpp"
#include "core/base/duration.hpp"

namespace netfilter {

// Packets with this mark (SO_MARK) pass every fence, so that health probes can see a fenced server recover.
inline constexpr std::uint32_t probe_mark = 0x0bfe0001;

// What a connection to a fenced backend gets. A reset fails at once everywhere. An ICMP answer makes a blocking connect
// wait for a second. A drop makes it wait for its timeout.
enum class Mode : std::uint8_t { reset, icmp, drop };

// Which packets are refused: the first of a TCP connection, so that established exchanges end normally, or all.
enum class Scope : std::uint8_t { fresh, all };

struct Fence {
    core::Address backend;      // port not 0
    std::uint8_t protocol = 6;  // IPPROTO_TCP or IPPROTO_UDP
    Mode mode = Mode::reset;
    Scope scope = Scope::fresh;
    std::string id;                         // at most 24 of [A-Za-z0-9_.:-]
    std::string who;                        // cut to the room that the note has
    std::string why;                        // the same
    core::WallTime since{};                 // kept to the second
    std::optional<core::WallTime> until{};  // the kernel lifts the fence then, even if Gatehouse is gone
    std::uint64_t packets = 0;              // observed: how many the fence has refused
    std::uint64_t bytes = 0;

    friend bool operator==(const Fence&, const Fence&) = default;
};

struct Unfence {
    core::Address backend;
    std::uint8_t protocol = 6;
};

// Unfencing a backend without a fence is no error. Fencing a fenced one replaces mode, scope and texts, and keeps its
// counter.
using Change = std::variant<Fence, Unfence>;

inline constexpr std::size_t note_max = 128;  // bytes, as many as the kernel keeps beside an element

// The note that the kernel stores with a fence: "id=7f3a by=ann since=20261122T140305Z until=... why=deploy v42". At
// most note_max bytes of printable ASCII without quotes; other bytes as %XX; a cut text ends in "...".
[[nodiscard]] std::string write_note(const Fence& fence);
// Fills id, who, why, since and until from a note. Another program's note becomes why.
void read_note(std::string_view note, Fence& fence);
// The fence as the kernel will return it: texts cut, times to the second, no counts. For comparing wanted and found
// fences.
[[nodiscard]] Fence as_stored(Fence fence);

[[nodiscard]] bool valid_id(std::string_view id);
[[nodiscard]] std::string_view print(Mode mode);
[[nodiscard]] std::string_view print(Scope scope);

}  // namespace netfilter

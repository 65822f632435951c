// Fence: a backend cut off in nftables, as an operator speaks of it. What a fence says is kept in the kernel beside
// it, so that the kernel alone is enough to rebuild it.
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

// Packets with this mark (SO_MARK) pass every fence: health probes must see a fenced server recover.
inline constexpr std::uint32_t probe_mark = 0x0bfe0001;

// What a connection to a fenced backend meets. A reset fails at once everywhere; an ICMP answer makes a blocking
// connect wait for a second; a drop makes it wait for its timeout.
enum class Mode : std::uint8_t { reset, icmp, drop };

// Which packets: those that begin a TCP connection, so that established exchanges end normally, or all.
enum class Scope : std::uint8_t { fresh, all };

struct Fence {
    core::Address backend;      // port not 0
    std::uint8_t protocol = 6;  // IPPROTO_TCP or IPPROTO_UDP
    Mode mode = Mode::reset;
    Scope scope = Scope::fresh;
    std::string id;                         // at most 24 of [A-Za-z0-9_.:-]
    std::string who;                        // kept as far as there is room
    std::string why;                        // the same
    core::WallTime since{};                 // kept to the second
    std::optional<core::WallTime> until{};  // the kernel lifts the fence then, whatever became of us
    std::uint64_t packets = 0;              // observed: what met the fence
    std::uint64_t bytes = 0;

    friend bool operator==(const Fence&, const Fence&) = default;
};

struct Unfence {
    core::Address backend;
    std::uint8_t protocol = 6;
};

// Unfencing what is not fenced is no error. Fencing what is fenced replaces mode, scope and words, and goes on
// counting.
using Change = std::variant<Fence, Unfence>;

inline constexpr std::size_t note_max = 128;  // bytes, as many as the kernel keeps beside an element

// The note that goes with a fence into the kernel: "id=7f3a by=ann since=20261122T140305Z until=... why=deploy v42".
// At most note_max bytes of printable ASCII without quotes; other bytes as %XX; what is too long ends in "...".
[[nodiscard]] std::string write_note(const Fence& fence);
// Fills id, who, why, since and until from a note. A note that somebody else wrote becomes why.
void read_note(std::string_view note, Fence& fence);
// The fence as the kernel will give it back: words cut, times to the second, no counts. For comparing the wanted with
// the found.
[[nodiscard]] Fence as_stored(Fence fence);

[[nodiscard]] bool valid_id(std::string_view id);
[[nodiscard]] std::string_view print(Mode mode);
[[nodiscard]] std::string_view print(Scope scope);

}  // namespace netfilter

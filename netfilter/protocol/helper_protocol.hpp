// The protocol between control and the fence process: packets of fixed size over a SOCK_SEQPACKET pair, plain bytes
// without pointers or lengths to trust. The fence process is privileged, so it checks every field that it reads.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "core/base/result.hpp"
#include "netfilter/model/fence.hpp"
#include "netfilter/model/flows.hpp"

namespace netfilter::wire {

inline constexpr std::uint32_t magic = 0x67616666;  // "gaff"; changes with the layout below
inline constexpr std::size_t items_max = 16;        // in a packet
inline constexpr std::size_t text_max = 4096;       // of a packet
inline constexpr std::size_t word_max = 136;        // what a note can hold, and a closing zero

enum class Kind : std::uint8_t {
    ping = 1,
    apply = 2,
    list = 3,
    describe = 4,
    reap = 5,
    firewall = 6,
    redirect = 7,
    count_flows = 8,
    capabilities = 9
};
enum class Status : std::uint8_t { done = 0, failed = 1 };
enum class Action : std::uint8_t { fence = 1, unfence = 2 };

struct Item {
    std::uint8_t action;
    std::uint8_t family;  // 4 or 6
    std::uint8_t protocol;
    std::uint8_t mode;
    std::uint8_t scope;
    std::uint8_t timed;  // 1: until counts
    std::uint16_t port;
    std::array<std::uint8_t, 16> address;
    std::int64_t since;  // milliseconds since 1970
    std::int64_t until;
    std::uint64_t packets;
    std::uint64_t bytes;
    std::array<char, word_max> id;
    std::array<char, word_max> who;
    std::array<char, word_max> why;
};

// A batch of more than items_max changes takes several requests with one id; the one marked last commits all.
struct Request {
    std::uint32_t magic;
    std::uint8_t kind;
    std::uint8_t last;
    std::uint16_t count;  // of items
    std::uint64_t id;
    std::int64_t clock;  // the sender's WallSteps::offset, by which its ends are meant, in milliseconds
    std::array<Item, items_max> items;
};

// Lists and texts take several replies with one id, in order.
struct Reply {
    std::uint32_t magic;
    std::uint8_t kind;
    std::uint8_t last;
    std::uint8_t status;
    std::uint8_t reserved;
    std::uint64_t id;
    std::int64_t clock;  // see Request
    std::int32_t os_error;
    std::uint32_t count;  // of items, or bytes of text
    std::array<Item, items_max> items;
    // Description; the counts of a reap (two numbers); when failed: what, why and mend, each closed by a zero.
    std::array<char, text_max> text;
};

static_assert(std::is_trivially_copyable_v<Request> && std::has_unique_object_representations_v<Request>);
static_assert(std::is_trivially_copyable_v<Reply> && std::has_unique_object_representations_v<Reply>,
              "no padding, so that no stale memory leaves a process");

[[nodiscard]] Item pack(const Change& change);
// Errors: a field that pack never produces. FenceManager::apply checks whether the change makes sense. unpack does not,
// because the same form carries fences found in the kernel, which may be another program's.
[[nodiscard]] core::Result<Change> unpack(const Item& item);

// Converts the fence's end to the receiver's clock. The wall clock may be set between the sender's read and the
// receiver's, and would move the end. A difference below WallSteps::least changes nothing.
void set_clock(Fence& fence, std::int64_t sender, core::Milliseconds receiver);

// Fills status, os_error and text of a reply; cuts long texts.
void pack_error(const core::Error& error, Reply& reply);
[[nodiscard]] core::Error unpack_error(const Reply& reply);

// A backend with flows to end or to count travels as an unfence.
[[nodiscard]] Item pack(const Destination& destination);
void pack_reaped(const Reaped& reaped, Reply& reply);
[[nodiscard]] Reaped unpack_reaped(const Reply& reply);

// True when pack can have made the packet's frame (magic, kind, flags, counts). Otherwise the sender is no client of
// ours, and the conversation ends.
[[nodiscard]] bool well_formed(const Request& request);
[[nodiscard]] bool well_formed(const Reply& reply);

}  // namespace netfilter::wire

// The redirects' part of the protocol between control and the fence process (helper_protocol.hpp). Listeners and
// backends replace a packet's items. Plain numbers and one short name, no lengths to trust.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "netfilter/model/redirect.hpp"
#include "netfilter/protocol/helper_protocol.hpp"

namespace netfilter::wire {

enum class RedirectPart : std::uint8_t { listener = 1, backend = 2, forwarding = 3 };

// The first item is about forwarding: the wish, or the result. Then each listener with its backends behind it. In an
// answer: pairs of a listener and one backend with its counts.
struct RedirectItem {
    std::uint8_t part;
    std::uint8_t family;      // 4 or 6
    std::uint8_t spread;      // of a listener
    std::uint8_t masquerade;  // of a listener
    std::uint8_t backup;      // of a backend, like all below but the name
    std::uint8_t eligible;
    std::uint16_t port;
    std::uint16_t weight;
    std::uint16_t slots;
    std::uint32_t before;   // of an answer's forwarding: Before
    std::int32_t os_error;  // of an answer's forwarding, like `ours` and `lingers`
    std::uint8_t forward;   // of a question's forwarding: Forward
    std::uint8_t ours;
    std::uint8_t lingers;
    std::uint8_t reserved;
    std::uint64_t connections;
    std::array<std::uint8_t, 16> address;
    std::array<char, 64> name;  // of a listener, filled up with zeros
};

inline constexpr std::size_t redirect_items_max = sizeof(Request::items) / sizeof(RedirectItem);
static_assert(std::is_trivially_copyable_v<RedirectItem> && std::has_unique_object_representations_v<RedirectItem>);

// `redirects` is valid (redirect.hpp). What does not fit one packet continues in the next.
[[nodiscard]] std::vector<RedirectItem> pack_redirects(std::span<const Redirect> redirects, Forward forward);
void put_items(std::span<const RedirectItem> items, Request& request);
void put_items(std::span<const RedirectItem> items, Reply& reply);
[[nodiscard]] std::vector<RedirectItem> take_items(const Request& request);
[[nodiscard]] std::vector<RedirectItem> take_items(const Reply& reply);

// Errors: a field that pack_redirects never produces, or invalid redirects.
struct RedirectOrder {
    std::vector<Redirect> redirects;
    Forward forward = Forward::as_needed;
    friend bool operator==(const RedirectOrder&, const RedirectOrder&) = default;
};
[[nodiscard]] core::Result<RedirectOrder> unpack_redirects(std::span<const RedirectItem> items);

[[nodiscard]] std::vector<RedirectItem> pack_state(const RedirectState& state);
// Errors: an unknown address family.
[[nodiscard]] core::Result<RedirectState> unpack_state(std::span<const RedirectItem> items);

}  // namespace netfilter::wire

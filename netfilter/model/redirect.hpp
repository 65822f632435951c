// Redirect: a listener whose connections the kernel balances by itself, as a value, and how its slots are filled. Pure.
// Control says what it wants in these terms; Redirector (redirector.hpp) brings it to the kernel.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/result.hpp"

namespace netfilter {

// How a new connection finds its slot: one after the other, by chance, or by the client's address.
enum class Spread : std::uint8_t { in_turn = 0, random = 1, source = 2 };

struct RedirectBackend {
    core::Address address;
    std::uint16_t weight = 1;
    bool backup = false;    // used when none of the others is eligible
    bool eligible = false;  // gets new connections
    friend bool operator==(const RedirectBackend&, const RedirectBackend&) = default;
};

struct Redirect {
    static constexpr std::size_t name_max = 63;
    static constexpr std::size_t backends_max = 256;

    std::string name;        // of the listener: letters, digits, '-', '_' and '.'
    core::Address listener;  // 0.0.0.0 or [::]: every address of this machine
    Spread spread = Spread::in_turn;
    bool masquerade = true;  // backends see this machine's address; false: the client's, and must route back through us
    std::vector<RedirectBackend> backends;  // of the listener's family
    friend bool operator==(const Redirect&, const Redirect&) = default;
};

// Of all listeners together. A batch of elements that the kernel is given stays small by it.
inline constexpr std::size_t redirects_max = 64;

// Says what is wrong; nothing when it is fine.
[[nodiscard]] core::Result<void> validate(std::span<const Redirect> redirects);

// The number of slots of a listener. The number never changes, so that a backend comes and goes by rewriting the slots,
// never a rule; a backend of less than a 256th of the weight may get none.
inline constexpr std::size_t slots_count = 256;
inline constexpr std::int16_t nobody = -1;
using Slots = std::array<std::int16_t, slots_count>;  // indices of backends, or all nobody

// By weight, neighbours interleaved. Every slot has a home, which depends on nothing but the configured backends; only
// the slots of those that are not eligible are shared out among the others. So a backend's going moves nobody else's
// clients, and its coming back brings its own ones back.
[[nodiscard]] Slots fill_slots(std::span<const RedirectBackend> backends);

// What the kernel says about one backend of a redirect.
struct RedirectCount {
    core::Address listener;
    core::Address backend;
    std::uint16_t slots = 0;        // that it has now
    std::uint64_t connections = 0;  // packets that began one: a client's repetition counts again
    friend bool operator==(const RedirectCount&, const RedirectCount&) = default;
};

// What the kernel held before a put of redirects: what is wanted; what the put before it had made; not what
// had been made, so that another program has changed it, be it to what is wanted; something else, while nothing had
// been put yet.
enum class Before : std::uint8_t { wanted, made, foreign, unknown };

// Whether the kernel may be made to forward for the redirects: for as long as one needs it, or not any more, because
// Gatehouse stops.
enum class Forward : std::uint8_t { as_needed = 0, no_more = 1 };

// What a put has left of forwarding (forwarding.hpp).
struct Forwarded {
    bool ours = false;     // we have switched it on for a family, and switch it off when nothing needs it
    bool lingers = false;  // only connections from before still need it: put again, until they have ended
    int os_error = 0;      // errno, where a switch could not be read or set
    friend bool operator==(const Forwarded&, const Forwarded&) = default;
};

// What a put of redirects found and left.
struct RedirectState {
    Before before = Before::wanted;
    Forwarded forwarded;
    std::vector<RedirectCount> counts;  // in the order of listeners, and in that of their backends
    friend bool operator==(const RedirectState&, const RedirectState&) = default;
};

}  // namespace netfilter

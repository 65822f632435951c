// Redirect: a listener for which the kernel itself balances connections, as a value, and how its slots are filled.
// Pure. Control states its wishes in these terms; Redirector (redirector.hpp) brings them to the kernel.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/result.hpp"

namespace netfilter {

// How a new connection gets its slot: in turn, randomly, or by the client's address.
enum class Spread : std::uint8_t { in_turn = 0, random = 1, source = 2 };

struct RedirectBackend {
    core::Address address;
    std::uint16_t weight = 1;
    bool backup = false;    // used when no other backend is eligible
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

// Over all listeners. It keeps one batch of elements for the kernel small.
inline constexpr std::size_t redirects_max = 64;

// Error: what is wrong.
[[nodiscard]] core::Result<void> validate(std::span<const Redirect> redirects);

// The number of slots of a listener. It never changes, so a backend comes and goes by rewriting slots, never a rule. A
// backend with less than a 256th of the weight may get none.
inline constexpr std::size_t slots_count = 256;
inline constexpr std::int16_t nobody = -1;
using Slots = std::array<std::int16_t, slots_count>;  // indices of backends, or all nobody

// By weight, with the backends' slots interleaved. The configured backends alone decide each slot's home backend. Only
// slots of backends that are not eligible are shared among the others. So a backend that goes moves no other backend's
// clients, and gets its own back when it returns.
[[nodiscard]] Slots fill_slots(std::span<const RedirectBackend> backends);

// What the kernel says about one backend of a redirect.
struct RedirectCount {
    core::Address listener;
    core::Address backend;
    std::uint16_t slots = 0;        // how many it has now
    std::uint64_t connections = 0;  // first packets; a retransmission counts again
    friend bool operator==(const RedirectCount&, const RedirectCount&) = default;
};

// What the kernel held before a put of redirects.
// wanted: what is wanted now.
// made: what the last put had made.
// foreign: not what had been made, because another program has changed it, even if to what is wanted.
// unknown: something else, and nothing had been put yet.
enum class Before : std::uint8_t { wanted, made, foreign, unknown };

// Whether the kernel may forward for the redirects: while one needs it, or no longer, because Gatehouse stops.
enum class Forward : std::uint8_t { as_needed = 0, no_more = 1 };

// The state of forwarding after a put (forwarding.hpp).
struct Forwarded {
    bool ours = false;     // we have switched it on for a family, and switch it off when nothing needs it
    bool lingers = false;  // only older connections still need it: call put again until they have ended
    int os_error = 0;      // errno, where a switch could not be read or set
    friend bool operator==(const Forwarded&, const Forwarded&) = default;
};

// What a put of redirects found, and its result.
struct RedirectState {
    Before before = Before::wanted;
    Forwarded forwarded;
    std::vector<RedirectCount> counts;  // in the order of listeners, and of their backends
    friend bool operator==(const RedirectState&, const RedirectState&) = default;
};

}  // namespace netfilter

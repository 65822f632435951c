// Strategy: which backend gets the next session or request. Pure: no clock, no I/O, no shared state; each worker has
// its own. HAProxy's algorithms under the configuration's names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/address.hpp"

namespace core::balance {

enum class Balance : std::uint8_t {
    round_robin,        // smooth weighted: 5:1:1 gives a a b a c a a, not a burst of a
    least_connections,  // fewest in flight for its weight; ties go round
    random_two,         // the less loaded of two random ones (power of two choices)
    source_hash,        // the same client address goes to the same backend while it is eligible (rendezvous hashing)
};

// What a strategy sees of one backend at the moment of choosing.
struct Candidate {
    std::uint32_t weight = 1;    // 1 to 25600: relative to the others' weights
    std::uint32_t active = 0;    // exchanges and relays in flight
    std::uint64_t identity = 0;  // stable over reloads; for source_hash
    bool backup = false;         // used only when no other is eligible
    bool eligible = false;       // healthy, not fenced, not tried yet for this request, with room
};

class Strategy {
public:
    Strategy(Balance balance, std::uint64_t seed) noexcept : balance_(balance), random_(seed | 1) {}

    // The index of the chosen candidate; empty where none is eligible. candidates keep their order and number between
    // calls; a new configuration makes a new Strategy.
    std::optional<std::size_t> pick(std::span<const Candidate> candidates, const Address& client);

private:
    std::optional<std::size_t> round_robin(std::span<const Candidate> candidates, bool backup);
    std::optional<std::size_t> least(std::span<const Candidate> candidates, bool backup);
    std::optional<std::size_t> random_two(std::span<const Candidate> candidates, bool backup);
    std::uint64_t random() noexcept;

    Balance balance_;
    std::uint64_t random_;
    std::size_t turn_ = 0;
    std::vector<std::int64_t> current_;
};

// A backend's number, stable over restarts and reloads: FNV-1a of its address and port.
std::uint64_t identity_of(const Address& address) noexcept;
// The same for a server of a pool, by its names, whatever its address.
std::uint64_t identity_of(std::string_view pool, std::string_view server) noexcept;

}  // namespace core::balance

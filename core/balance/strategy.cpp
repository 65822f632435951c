#include "core/balance/strategy.hpp"

#include <algorithm>

namespace core::balance {
namespace {

bool usable(const Candidate& candidate, bool backup) {
    return candidate.eligible && candidate.backup == backup;
}

constexpr std::uint64_t fnv_basis = 0xcbf29ce484222325ULL;

template <typename Bytes>
std::uint64_t fnv(std::uint64_t hash, const Bytes& bytes) {
    for (const auto byte : bytes) {
        hash = (hash ^ static_cast<std::uint8_t>(byte)) * 0x100000001b3ULL;
    }
    return hash;
}

// Finaliser of splitmix64: spreads a combined key over all bits.
std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
}

// Whether a has less load for its weight than b; without a division.
bool lighter(const Candidate& a, const Candidate& b) {
    return std::uint64_t{a.active + 1} * b.weight < std::uint64_t{b.active + 1} * a.weight;
}

// Rendezvous hashing: every candidate gets a score, and the highest eligible score wins. So the removal of a backend
// moves only its own clients. The weight multiplies the number of draws of a backend.
std::optional<std::size_t> highest_score(std::span<const Candidate> candidates, bool backup, const Address& client) {
    const std::uint64_t source = fnv(fnv_basis, client.bytes());
    std::optional<std::size_t> best;
    std::uint64_t best_score = 0;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (!usable(candidates[i], backup)) {
            continue;
        }
        for (std::uint32_t draw = 0; draw < candidates[i].weight; ++draw) {
            const std::uint64_t score = mix(source ^ mix(candidates[i].identity + draw));
            if (!best || score > best_score) {
                best = i;
                best_score = score;
            }
        }
    }
    return best;
}

}  // namespace

std::uint64_t identity_of(const Address& address) noexcept {
    const std::uint64_t hash = fnv(fnv_basis, address.bytes());
    const std::uint8_t port[2] = {static_cast<std::uint8_t>(address.port() >> 8),
                                  static_cast<std::uint8_t>(address.port())};
    return fnv(hash, port);
}

std::uint64_t identity_of(std::string_view pool, std::string_view server) noexcept {
    return fnv(fnv(fnv(fnv_basis, pool), std::string_view("/")), server);
}

std::optional<std::size_t> Strategy::pick(std::span<const Candidate> candidates, const Address& client) {
    for (const bool backup : {false, true}) {
        std::optional<std::size_t> chosen;
        switch (balance_) {
            case Balance::round_robin:
                chosen = round_robin(candidates, backup);
                break;
            case Balance::least_connections:
                chosen = least(candidates, backup);
                break;
            case Balance::random_two:
                chosen = random_two(candidates, backup);
                break;
            case Balance::source_hash:
                chosen = highest_score(candidates, backup, client);
                break;
        }
        if (chosen) {
            return chosen;
        }
    }
    return std::nullopt;
}

// nginx's smooth weighted round robin: each candidate's current weight grows by its weight; the largest is chosen and
// pays the total.
std::optional<std::size_t> Strategy::round_robin(std::span<const Candidate> candidates, bool backup) {
    current_.resize(candidates.size(), 0);
    std::int64_t total = 0;
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (!usable(candidates[i], backup)) {
            continue;
        }
        current_[i] += candidates[i].weight;
        total += candidates[i].weight;
        if (!best || current_[i] > current_[*best]) {
            best = i;
        }
    }
    if (best) {
        current_[*best] -= total;
    }
    return best;
}

std::optional<std::size_t> Strategy::least(std::span<const Candidate> candidates, bool backup) {
    std::optional<std::size_t> best;
    ++turn_;
    for (std::size_t step = 0; step < candidates.size(); ++step) {
        const std::size_t i = (turn_ + step) % candidates.size();
        if (usable(candidates[i], backup) && (!best || lighter(candidates[i], candidates[*best]))) {
            best = i;
        }
    }
    return best;
}

std::optional<std::size_t> Strategy::random_two(std::span<const Candidate> candidates, bool backup) {
    const auto count = static_cast<std::size_t>(
        std::count_if(candidates.begin(), candidates.end(), [&](const Candidate& c) { return usable(c, backup); }));
    if (count == 0) {
        return std::nullopt;
    }
    // The n-th usable candidate; the second draw leaves out the first one's.
    const auto nth = [&](std::size_t n) {
        std::size_t i = 0;
        while (!usable(candidates[i], backup) || n-- != 0) {
            ++i;
        }
        return i;
    };
    const std::size_t first = nth(random() % count);
    if (count == 1) {
        return first;
    }
    std::size_t second = nth(random() % (count - 1));
    if (second >= first) {
        do {
            ++second;
        } while (!usable(candidates[second], backup));
    }
    return lighter(candidates[second], candidates[first]) ? second : first;
}

// xorshift64: its statistical quality is enough for spreading load.
std::uint64_t Strategy::random() noexcept {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return mix(random_);
}

}  // namespace core::balance

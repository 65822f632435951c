// Routing: a snapshot as one worker lives it: its pools with their backends and strategies. A reload makes a new one;
// exchanges in flight keep the one that they began with.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/balance/strategy.hpp"
#include "core/proxy/config/snapshot.hpp"
#include "core/proxy/stats/visitors.hpp"
#include "core/proxy/upstream/backend.hpp"
#include "core/proxy/upstream/commons.hpp"

namespace core::proxy {

// Of the pool of one name, as one worker knows it; reloads leave it in place.
struct PoolMemory {
    Visitors visitors;
    std::optional<io::Tick> dark_since;  // no backend has been usable since then; set by Routing::settle()
};

class Pool {
public:
    // spec outlives the pool.
    Pool(const PoolSpec& spec, std::vector<std::shared_ptr<Backend>> backends, std::shared_ptr<Queue> queue,
         std::shared_ptr<PoolMemory> memory, std::uint64_t seed);

    enum class Among : std::uint8_t {
        all,
        unlimited,  // what comes free on a limited backend belongs to who is first in the queue
    };
    // A use of the next backend for client that is not among tried: preferred (may be null), where it may be used and
    // has room. Empty where nobody is left, or has room. now: the loop's clock, for who has come up a short while ago.
    Usage pick(const Address& client, std::span<Backend* const> tried, Among among, io::Tick now, Backend* preferred);
    // Where the next connection to a backend of family leaves from; null: the system chooses. And how many there are.
    const Address* next_source(int family) noexcept { return net::source_of(spec_.sources, family, source_turn_++); }
    [[nodiscard]] std::size_t sources(int family) const noexcept;
    // The backend that an affinity cookie calls by that name, whether it may be used or not; null where there is none.
    [[nodiscard]] Backend* find_alias(std::string_view alias) const noexcept;
    // Whether waiting can help: some backend that is not among tried could be used, if only it had room.
    [[nodiscard]] bool crowded(std::span<Backend* const> tried) const noexcept;
    [[nodiscard]] Queue& queue() noexcept { return *queue_; }
    // Whether no backend may be used, but one of them may soon: the gap is not older than hold.
    [[nodiscard]] bool may_hold(io::Tick now) const noexcept;
    [[nodiscard]] PoolMemory& memory() noexcept { return *memory_; }
    [[nodiscard]] const std::shared_ptr<PoolMemory>& share_memory() const noexcept { return memory_; }
    [[nodiscard]] const PoolSpec& spec() const noexcept { return spec_; }
    [[nodiscard]] const std::string& name() const noexcept { return spec_.name; }
    [[nodiscard]] const std::vector<std::shared_ptr<Backend>>& backends() const noexcept { return backends_; }

    // Until a backend may be used, and until `until` at the latest, these serve in its place: the pool was given new
    // servers that no check has asked yet.
    void stand_in(std::vector<std::shared_ptr<Backend>> former, io::Tick until);
    // All of them, also when their time is over: what is in flight on them still needs them.
    [[nodiscard]] const std::vector<std::shared_ptr<Backend>>& former() const noexcept { return former_; }
    // Those that stand in now, and until when.
    [[nodiscard]] std::vector<std::shared_ptr<Backend>> standing() const;
    [[nodiscard]] io::Tick former_until() const noexcept { return former_until_; }
    // An operator has fenced one of them.
    void dismiss(const std::string& server);
    // Health, fences or limits have changed: notes whether the pool is dark, and has those who wait look again.
    void settle(io::Tick now);

    // Set while an operator has the maintenance page on.
    std::optional<Administration::Maintenance> maintenance;

private:
    [[nodiscard]] static bool may_use(const Backend& backend, std::span<Backend* const> tried, Among among) noexcept;
    std::optional<std::size_t> choose(const Address& client, std::span<Backend* const> tried, Among among,
                                      io::Tick now);
    Usage pick_former(std::span<Backend* const> tried, Among among, io::Tick now);
    [[nodiscard]] bool usable() const noexcept;

    const PoolSpec& spec_;
    std::vector<std::shared_ptr<Backend>> backends_;
    std::shared_ptr<Queue> queue_;
    std::shared_ptr<PoolMemory> memory_;
    balance::Strategy strategy_;
    std::vector<balance::Candidate> candidates_;
    std::vector<std::shared_ptr<Backend>> former_;
    std::vector<Backend*> standing_;  // of former_; empty but for a moment after some reloads
    io::Tick former_until_ = 0;
    std::size_t former_turn_ = 0;
    std::size_t source_turn_ = 0;
};

class Routing {
public:
    // Takes over the backends of previous (may be null) whose pool, server and address are the same. findings: of the
    // snapshot's backends, for those that are new here. now: the loop's clock.
    Routing(SnapshotRef snapshot, const Routing* previous, Commons& commons, std::uint64_t seed,
            const Findings& findings = {}, io::Tick now = 0);

    [[nodiscard]] Pool* pool(const std::string& name) noexcept;
    [[nodiscard]] std::vector<Pool>& pools() noexcept { return pools_; }
    [[nodiscard]] const Snapshot& snapshot() const noexcept { return *snapshot_; }
    [[nodiscard]] std::shared_ptr<Backend> backend(const std::string& pool, const std::string& server) const;

    void apply(const Administration& administration);
    void settle(io::Tick now);

private:
    [[nodiscard]] std::shared_ptr<PoolMemory> memory(const std::string& pool) const;
    [[nodiscard]] const Pool* find(const std::string& pool) const noexcept;
    [[nodiscard]] const Pool* predecessor(const Snapshot& next, const std::string& pool) const;

    SnapshotRef snapshot_;
    std::vector<Pool> pools_;
};

}  // namespace core::proxy

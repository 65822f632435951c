// Routing: a snapshot in one worker: its pools with their backends and strategies. A reload makes a new one; exchanges
// in flight keep the one that they began with.
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

// What one worker keeps for a pool's name; reloads leave it in place.
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
        unlimited,  // only backends without a limit: room on a limited one belongs to the first place of the queue
    };
    // Picks the next backend for client that is not among tried. preferred (may be null) is first, where it may be used
    // and has room. Empty where no backend is left or has room. now: the loop's clock, for slow_start.
    Usage pick(const Address& client, std::span<Backend* const> tried, Among among, io::Tick now, Backend* preferred);
    // The source address of the next connection to a backend of family; null: the kernel chooses. sources(): how many
    // there are.
    const Address* next_source(int family) noexcept { return net::source_of(spec_.sources, family, source_turn_++); }
    [[nodiscard]] std::size_t sources(int family) const noexcept;
    // The backend with that name in an affinity cookie, usable or not; null where there is none.
    [[nodiscard]] Backend* find_alias(std::string_view alias) const noexcept;
    // Whether waiting can help: a usable backend with a limit is not among tried.
    [[nodiscard]] bool crowded(std::span<Backend* const> tried) const noexcept;
    [[nodiscard]] Queue& queue() noexcept { return *queue_; }
    // Whether no backend is usable, and has not been for less than hold.
    [[nodiscard]] bool may_hold(io::Tick now) const noexcept;
    [[nodiscard]] PoolMemory& memory() noexcept { return *memory_; }
    [[nodiscard]] const std::shared_ptr<PoolMemory>& share_memory() const noexcept { return memory_; }
    [[nodiscard]] const PoolSpec& spec() const noexcept { return spec_; }
    [[nodiscard]] const std::string& name() const noexcept { return spec_.name; }
    [[nodiscard]] const std::vector<std::shared_ptr<Backend>>& backends() const noexcept { return backends_; }

    // The pool has new servers that no check has asked yet. former serve in their place until one of them is usable, at
    // the latest until `until`.
    void stand_in(std::vector<std::shared_ptr<Backend>> former, io::Tick until);
    // All former backends, also after their time: exchanges in flight still need them.
    [[nodiscard]] const std::vector<std::shared_ptr<Backend>>& former() const noexcept { return former_; }
    // The former backends that serve now; former_until(): their end.
    [[nodiscard]] std::vector<std::shared_ptr<Backend>> standing() const;
    [[nodiscard]] io::Tick former_until() const noexcept { return former_until_; }
    // An operator has fenced one of the former backends.
    void dismiss(const std::string& server);
    // Health, fences or limits have changed: notes since when no backend is usable, and wakes the queue.
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
    std::vector<Backend*> standing_;  // of former_; filled only for a short time after some reloads
    io::Tick former_until_ = 0;
    std::size_t former_turn_ = 0;
    std::size_t source_turn_ = 0;
};

class Routing {
public:
    // Takes over from previous (may be null) the backends with the same pool, server and address. findings: for the
    // snapshot's backends that are new here. now: the loop's clock.
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

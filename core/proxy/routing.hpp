// Routing: a snapshot as one worker lives it: its pools with their backends and strategies. A reload makes a new one;
// exchanges in flight keep the one that they began with.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/balance/strategy.hpp"
#include "core/proxy/backend.hpp"
#include "core/proxy/snapshot.hpp"

namespace core::proxy {

class Pool {
public:
    Pool(const PoolSpec& spec, std::vector<std::shared_ptr<Backend>> backends, std::uint64_t seed);

    // The next backend for client that is not among tried; null where nobody is left.
    Backend* pick(const Address& client, std::span<Backend* const> tried);
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const std::vector<std::shared_ptr<Backend>>& backends() const noexcept { return backends_; }

    // Set while an operator has the maintenance page on.
    std::optional<Administration::Maintenance> maintenance;

private:
    std::string name_;
    std::vector<std::shared_ptr<Backend>> backends_;
    balance::Strategy strategy_;
    std::vector<balance::Candidate> candidates_;
};

class Routing {
public:
    // Takes over the backends of previous (may be null) whose pool, server and address are the same.
    Routing(SnapshotRef snapshot, const Routing* previous, std::uint64_t seed);

    [[nodiscard]] Pool* pool(const std::string& name) noexcept;
    [[nodiscard]] std::vector<Pool>& pools() noexcept { return pools_; }
    [[nodiscard]] const Snapshot& snapshot() const noexcept { return *snapshot_; }
    [[nodiscard]] std::shared_ptr<Backend> backend(const std::string& pool, const std::string& server) const;

    void apply(const Administration& administration);

private:
    SnapshotRef snapshot_;
    std::vector<Pool> pools_;
};

}  // namespace core::proxy

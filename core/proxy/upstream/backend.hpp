// Backend: one server in one pool, as one worker sees it: its health, its load, its idle connections. It survives
// reloads while its pool, server and address stay the same.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/proxy/config/snapshot.hpp"
#include "core/proxy/upstream/commons.hpp"
#include "core/proxy/upstream/connection.hpp"

namespace core::proxy {

class Backend {
public:
    // Idle connections kept per worker: as many as one burst may need. A connection that does not fit is closed.
    // idle_for removes the surplus.
    static constexpr std::size_t idle_max = 16'384;
    static constexpr io::Tick idle_for = 30'000;   // milliseconds
    static constexpr io::Tick odd_quiet = 60'000;  // milliseconds between two lines about odd answers

    // commons: shared with the other workers' views of the same backend.
    Backend(std::string pool, BackendSpec spec, std::shared_ptr<BackendCommons> commons);

    // A reload may change weight, limit and backup; never server or address.
    void update(const BackendSpec& spec) { spec_ = spec; }
    // now: the loop's clock; a slow start begins where it was not healthy before.
    void set_healthy(bool healthy, io::Tick now);
    // An operator's weight in place of the snapshot's; empty: the snapshot's.
    void set_weight(std::optional<std::uint32_t> by_hand) noexcept { weight_by_hand_ = by_hand; }
    [[nodiscard]] std::uint32_t weight() const noexcept { return weight_by_hand_.value_or(spec_.weight); }
    // Fencing closes the idle connections: no request may reach the server, not even on an old connection.
    void set_fenced(bool fenced);

    // Healthy and not fenced; room() is separate.
    [[nodiscard]] bool usable() const noexcept { return healthy_ && !fenced_; }
    [[nodiscard]] bool limited() const noexcept { return spec_.max_connections != 0; }
    [[nodiscard]] bool room() const noexcept { return !limited() || commons_->quota.room(spec_.max_connections); }
    [[nodiscard]] Quota& quota() noexcept { return commons_->quota; }
    [[nodiscard]] bool healthy() const noexcept { return healthy_; }
    // The percentage of its weight that it has (1 to 100): it grows during slow_start after the server came up.
    [[nodiscard]] std::uint32_t warmth(Milliseconds slow_start, io::Tick now) const noexcept;
    [[nodiscard]] bool fenced() const noexcept { return fenced_; }
    [[nodiscard]] const BackendSpec& spec() const noexcept { return spec_; }
    [[nodiscard]] const std::string& pool() const noexcept { return pool_; }
    [[nodiscard]] std::uint64_t identity() const noexcept { return identity_; }
    // Its name in an affinity cookie: 16 hexadecimal digits made of the pool's and server's names. It stays the same
    // over restarts and with another address.
    [[nodiscard]] const std::string& alias() const noexcept { return alias_; }

    // The youngest idle connection that the server has not touched; null where there is none that was idle for less
    // than idle_below (milliseconds). A request that must not be sent twice needs a connection that the server is
    // unlikely to close.
    std::unique_ptr<Connection> take_idle(io::Tick idle_below);
    // Stores connection, with an empty inbox, for the next exchange. Closes it where the backend may not be used any
    // more.
    void keep(std::unique_ptr<Connection> connection);
    void close_idle() noexcept { idle_.clear(); }
    // Closes idle connections that the server has closed or that are too old.
    void sweep(io::Tick now);

    // count_failure(): an exchange or relay failed, and the server was at fault. True: the passive check's number of
    // failures in a row is reached, and this worker stops using the backend. visitor: the sender of the request; null
    // where none had been sent. count_success(): the server was not at fault.
    [[nodiscard]] bool count_failure(const Address* visitor, io::Tick now);
    // Counts an odd answer. Returns what to report now, earlier unreported oddities included; empty within a minute of
    // the last report of any worker.
    [[nodiscard]] http::Oddities count_odd(http::Oddities oddities, io::Tick now);
    void count_success() {
        if (spec_.passive_fall != 0) {
            commons_->streak.pass();
        }
    }

    // Counters, read by the worker's report.
    std::uint32_t active = 0;  // exchanges and relays in flight
    std::uint64_t total = 0;   // begun
    std::uint64_t failed = 0;  // connects that failed, and answers that broke
    OddCounts odd{};           // answers that had that oddity

private:
    std::string pool_;
    BackendSpec spec_;
    std::shared_ptr<BackendCommons> commons_;
    std::uint64_t identity_;
    std::string alias_;
    std::optional<std::uint32_t> weight_by_hand_;
    http::Oddities untold_;
    bool healthy_ = false;
    bool fenced_ = false;
    io::Tick up_since_ = 0;
    std::vector<std::unique_ptr<Connection>> idle_;
};

// Counts an exchange or relay on a backend while it lives. Empty where made without a backend.
class Usage {
public:
    Usage() = default;
    // Empty where the backend is at its limit.
    static Usage of(Backend& backend);
    // For a connection that is open already.
    static Usage beyond_limit(Backend& backend);
    Usage(Usage&& other) noexcept
        : backend_(std::exchange(other.backend_, nullptr)), limited_(std::exchange(other.limited_, false)) {}
    Usage& operator=(Usage&& other) noexcept {
        std::swap(backend_, other.backend_);
        std::swap(limited_, other.limited_);
        return *this;
    }
    ~Usage();
    [[nodiscard]] Backend* backend() const noexcept { return backend_; }

private:
    Backend* backend_ = nullptr;
    bool limited_ = false;  // holds one of the quota; a reload may have set or lifted the limit since
};

}  // namespace core::proxy

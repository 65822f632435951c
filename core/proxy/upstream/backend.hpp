// Backend: one server in one pool, as one worker sees it: may it be used, how busy is it, which connections are idle.
// Survives reloads as long as its pool, server and address stay the same.
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
    // Idle connections kept per worker. As many as a burst may have needed at once: what does not fit is opened anew
    // for the next one. The silence of idle_for is what takes surplus away.
    static constexpr std::size_t idle_max = 16'384;
    static constexpr io::Tick idle_for = 30'000;   // milliseconds
    static constexpr io::Tick odd_quiet = 60'000;  // milliseconds between two lines about odd answers

    // commons: shared with the other workers' views of the same backend.
    Backend(std::string pool, BackendSpec spec, std::shared_ptr<BackendCommons> commons);

    // A reload may change weight, limit and backup; never server or address.
    void update(const BackendSpec& spec) { spec_ = spec; }
    // now: the loop's clock; a slow start begins where it was not healthy before.
    void set_healthy(bool healthy, io::Tick now);
    // What an operator wants in place of the snapshot's weight; nothing: the snapshot's.
    void set_weight(std::optional<std::uint32_t> by_hand) noexcept { weight_by_hand_ = by_hand; }
    [[nodiscard]] std::uint32_t weight() const noexcept { return weight_by_hand_.value_or(spec_.weight); }
    // Fencing closes the idle connections: nothing new may reach the server, not even on an old connection.
    void set_fenced(bool fenced);

    // Healthy and not fenced; whether there is room is another question.
    [[nodiscard]] bool usable() const noexcept { return healthy_ && !fenced_; }
    [[nodiscard]] bool limited() const noexcept { return spec_.max_connections != 0; }
    [[nodiscard]] bool room() const noexcept { return !limited() || commons_->quota.room(spec_.max_connections); }
    [[nodiscard]] Quota& quota() noexcept { return commons_->quota; }
    [[nodiscard]] bool healthy() const noexcept { return healthy_; }
    // How much of its weight it has, percent (1 to 100): that of the time since it came up in slow_start.
    [[nodiscard]] std::uint32_t warmth(Milliseconds slow_start, io::Tick now) const noexcept;
    [[nodiscard]] bool fenced() const noexcept { return fenced_; }
    [[nodiscard]] const BackendSpec& spec() const noexcept { return spec_; }
    [[nodiscard]] const std::string& pool() const noexcept { return pool_; }
    [[nodiscard]] std::uint64_t identity() const noexcept { return identity_; }
    // What an affinity cookie calls it: 16 hexadecimal digits made of its pool's and server's names, which stay the
    // same over restarts and with another address.
    [[nodiscard]] const std::string& alias() const noexcept { return alias_; }

    // The youngest idle connection that the server has left in peace; null where there is none, or none that has been
    // idle for less than idle_below (milliseconds): what must not be sent twice goes only where a close is unlikely.
    std::unique_ptr<Connection> take_idle(io::Tick idle_below);
    // Stores connection, whose inbox is empty, for the next exchange, or closes it where the backend is not to be used
    // any more.
    void keep(std::unique_ptr<Connection> connection);
    void close_idle() noexcept { idle_.clear(); }
    // Closes idle connections that the server has ended or that are too old.
    void sweep(io::Tick now);

    // An exchange or relay has failed, or not, by the server's doing. True from count_failure(): now there were as many
    // in a row as the passive check allows; this worker does not use the backend any more.
    // visitor: whose request it was; null where none had been sent.
    [[nodiscard]] bool count_failure(const Address* visitor, io::Tick now);
    // An answer was odd. What is to be told of it now, and of those before that were not told of: nothing within a
    // minute of the last time, whichever worker that was.
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

// Counts an exchange or relay on a backend for as long as it lives. Empty where made without one.
class Usage {
public:
    Usage() = default;
    // Nothing where the backend is at its limit.
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
    bool limited_ = false;  // one of the quota is ours; a reload may have set or lifted the limit meanwhile
};

}  // namespace core::proxy

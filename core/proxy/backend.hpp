// Backend: one server in one pool, as one worker sees it: may it be used, how busy is it, which connections are idle.
// Survives reloads as long as its pool, server and address stay the same.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/proxy/connection.hpp"
#include "core/proxy/snapshot.hpp"

namespace core::proxy {

class Backend {
public:
    static constexpr std::size_t idle_max = 512;  // connections kept per worker
    static constexpr io::Tick idle_for = 30'000;  // milliseconds

    Backend(std::string pool, BackendSpec spec);

    // A reload may change weight, limit and backup; never server or address.
    void update(const BackendSpec& spec) { spec_ = spec; }
    void set_healthy(bool healthy);
    // Fencing closes the idle connections: nothing new may reach the server, not even on an old connection.
    void set_fenced(bool fenced);

    [[nodiscard]] bool eligible() const noexcept;
    [[nodiscard]] bool healthy() const noexcept { return healthy_; }
    [[nodiscard]] bool fenced() const noexcept { return fenced_; }
    [[nodiscard]] const BackendSpec& spec() const noexcept { return spec_; }
    [[nodiscard]] const std::string& pool() const noexcept { return pool_; }
    [[nodiscard]] std::uint64_t identity() const noexcept { return identity_; }

    // The youngest idle connection that the server has not ended; null where there is none, or none that has been idle
    // for less than idle_below (milliseconds): what must not be sent twice goes only where a close is unlikely.
    std::unique_ptr<Connection> take_idle(io::Tick idle_below);
    // Stores connection for the next exchange, or closes it where the backend is not to be used any more.
    void keep(std::unique_ptr<Connection> connection);
    void close_idle() noexcept { idle_.clear(); }
    // Closes idle connections that the server has ended or that are too old.
    void sweep(io::Tick now);

    // Counters, read by the worker's report.
    std::uint32_t active = 0;  // exchanges and relays in flight
    std::uint64_t total = 0;   // begun
    std::uint64_t failed = 0;  // connects that failed, and answers that broke

private:
    std::string pool_;
    BackendSpec spec_;
    std::uint64_t identity_;
    bool healthy_ = false;
    bool fenced_ = false;
    std::vector<std::unique_ptr<Connection>> idle_;
};

// Counts an exchange or relay on a backend for as long as it lives.
class Usage {
public:
    explicit Usage(Backend& backend) noexcept : backend_(backend) {
        ++backend_.active;
        ++backend_.total;
    }
    Usage(const Usage&) = delete;
    Usage& operator=(const Usage&) = delete;
    ~Usage() { --backend_.active; }

private:
    Backend& backend_;
};

}  // namespace core::proxy

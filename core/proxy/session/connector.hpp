// Connector: finds a backend for one exchange or relay and a connection to it. A connect that fails has sent nothing,
// so the next backend is tried, until nobody is left. As long as it lives, it looks now and then whether the client is
// still there, for whom nobody else may be listening: while it waits in a queue, and for an answer.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/proxy/session/session.hpp"
#include "core/proxy/stats/record.hpp"
#include "core/proxy/upstream/routing.hpp"

namespace core::proxy {

class Connector final : private io::Timer {
public:
    // All references outlive the connector.
    Connector(Session& session, Pool& pool, const Timeouts& timeouts, Record& record) noexcept
        : session_(session), pool_(pool), timeouts_(timeouts), record_(record) {}
    Connector(const Connector&) = delete;
    Connector& operator=(const Connector&) = delete;
    ~Connector() override;

    // Why connect() found nobody.
    enum class Refusal : std::uint8_t {
        nobody,    // no eligible backend answered
        crowded,   // all that may be used are at their limit, and so is the queue
        expired,   // the same, and nothing came free in time
        shortage,  // no connection could be made, for want of ports, descriptors or memory of this machine's
    };

    // The session's own connection to a backend of the pool comes first, whatever its backend's limit, and however long
    // it was idle. An idle connection is taken where one has been idle for less than idle_below (milliseconds; 0:
    // never). Waits in the pool's queue while all backends are at their limit, or none is usable for no longer than
    // hold. Null: see refusal(). Afterwards backend() is the one in use, and session.upstream its connection. Whoever
    // has been found may be found again.
    io::Task<Connection*> connect(io::Tick idle_below);
    // Ends the use of the connection: kept for the next exchange of any session, or of this one alone, or closed.
    void keep();
    void keep_own();
    void release();

    [[nodiscard]] Backend* backend() const noexcept { return backend_; }
    [[nodiscard]] Connection* connection() const noexcept { return connection_.get(); }
    // Whether the connection is the session's own, from an exchange before.
    [[nodiscard]] bool own() const noexcept { return own_; }
    [[nodiscard]] Refusal refusal() const noexcept { return refusal_; }
    // The backend in use is not found any more.
    void pass_over() { tried_.push_back(backend_); }
    // The backend to take first where it may be used; null for any.
    void prefer(Backend* backend) noexcept { preferred_ = backend; }

private:
    // Whether backends are told by a PROXY header who the client is.
    [[nodiscard]] bool introduces() const noexcept { return pool_.spec().proxy_protocol != net::ProxyVersion::none; }
    void on_expire() override;
    void look_again();
    void pass_over_for_shortage(Backend& backend, int error);
    [[nodiscard]] bool take_own();
    io::Task<bool> choose();
    io::Task<void> wait();
    [[nodiscard]] bool may_hold() const noexcept;
    [[nodiscard]] io::Tick patience(io::Tick begun) const noexcept;
    io::Task<int> open(Backend& backend);
    io::Task<int> open_from(Backend& backend, const Address* source);

    Session& session_;
    Pool& pool_;
    const Timeouts& timeouts_;
    Record& record_;
    Backend* backend_ = nullptr;
    Backend* preferred_ = nullptr;
    std::unique_ptr<Connection> connection_;
    bool own_ = false;
    io::Tick look_pause_ = 0;
    bool short_ = false;
    Usage usage_;
    Refusal refusal_ = Refusal::nobody;
    std::vector<Backend*> tried_;  // in vain
    std::optional<io::Tick> held_since_;
};

// For the log and for who was turned away; a literal.
std::string_view explain(Connector::Refusal refusal) noexcept;

}  // namespace core::proxy

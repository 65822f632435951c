// Connector: finds a backend and a connection to it, for one exchange or relay. A failed connect has sent nothing, so
// the next backend is tried, until none is left. While the client waits in a queue or for an answer, nothing may be
// receiving from it. So a timer looks whether it is still connected.
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

    // Why connect() found no backend.
    enum class Refusal : std::uint8_t {
        nobody,    // no eligible backend answered
        crowded,   // all that may be used are at their limit, and so is the queue
        expired,   // the same, and no room came free in time
        shortage,  // no connection could be made: this machine lacks ports, descriptors or memory
    };

    // Finds a backend and a connection to it, in this order:
    // 1. the session's own connection to a backend of the pool, whatever the limit and its idle time;
    // 2. a connection of the picked backend that was idle for less than idle_below (milliseconds; 0: never);
    // 3. a new connection.
    // Waits in the pool's queue while all backends are at their limit, or none is usable, up to hold. Null: see
    // refusal(). Else backend() is the backend in use, and session.upstream its connection. The next call may find the
    // same backend again.
    io::Task<Connection*> connect(io::Tick idle_below);
    // Ends the use of the connection. keep() stores it for any session, keep_own() for this one; release() closes it.
    void keep();
    void keep_own();
    void release();

    [[nodiscard]] Backend* backend() const noexcept { return backend_; }
    [[nodiscard]] Connection* connection() const noexcept { return connection_.get(); }
    // Whether the connection is the session's own, from an exchange before.
    [[nodiscard]] bool own() const noexcept { return own_; }
    [[nodiscard]] Refusal refusal() const noexcept { return refusal_; }
    // connect() does not find the backend in use again.
    void pass_over() { tried_.push_back(backend_); }
    // The backend to try first, where it may be used; null for any.
    void prefer(Backend* backend) noexcept { preferred_ = backend; }

private:
    // Whether a PROXY header tells the backend the client's address.
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
    std::vector<Backend*> tried_;  // failed, or passed over
    std::optional<io::Tick> held_since_;
};

// A literal, for the log and for the client.
std::string_view explain(Connector::Refusal refusal) noexcept;

}  // namespace core::proxy

// Connector: finds a backend for one exchange or relay and a connection to it. A connect that fails has sent nothing,
// so the next backend is tried, until nobody is left.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/proxy/record.hpp"
#include "core/proxy/routing.hpp"
#include "core/proxy/session.hpp"

namespace core::proxy {

class Connector {
public:
    // All references outlive the connector.
    Connector(Session& session, Pool& pool, const Timeouts& timeouts, Record& record) noexcept
        : session_(session), pool_(pool), timeouts_(timeouts), record_(record) {}
    Connector(const Connector&) = delete;
    Connector& operator=(const Connector&) = delete;
    ~Connector() { release(); }

    // An idle connection is taken where one has been idle for less than idle_below (milliseconds; 0: never). Null: no
    // eligible backend answered. Afterwards backend() is the one in use, and session.upstream its connection.
    io::Task<Connection*> connect(io::Tick idle_below);
    // Ends the use of the connection: kept for the next exchange, or closed.
    void keep();
    void release();

    [[nodiscard]] Backend* backend() const noexcept { return backend_; }
    [[nodiscard]] Connection* connection() const noexcept { return connection_.get(); }
    // Lets connect() choose the same backend again, as after a reused connection that had died.
    void forgive() { tried_.pop_back(); }

private:
    io::Task<int> open(Backend& backend);

    Session& session_;
    Pool& pool_;
    const Timeouts& timeouts_;
    Record& record_;
    Backend* backend_ = nullptr;
    std::unique_ptr<Connection> connection_;
    std::optional<Usage> usage_;
    std::vector<Backend*> tried_;
};

}  // namespace core::proxy

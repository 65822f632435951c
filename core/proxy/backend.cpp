#include "core/proxy/backend.hpp"

#include <algorithm>

namespace core::proxy {

Backend::Backend(std::string pool, BackendSpec spec)
    : pool_(std::move(pool)), spec_(std::move(spec)), identity_(balance::identity_of(spec_.address)) {}

void Backend::set_healthy(bool healthy) {
    healthy_ = healthy;
    if (!healthy_) {
        close_idle();
    }
}

void Backend::set_fenced(bool fenced) {
    fenced_ = fenced;
    if (fenced_) {
        close_idle();
    }
}

bool Backend::eligible() const noexcept {
    return healthy_ && !fenced_ && (spec_.connections_max == 0 || active < spec_.connections_max);
}

std::unique_ptr<Connection> Backend::take_idle(io::Tick idle_below) {
    while (!idle_.empty() && idle_.back()->socket.loop().now() - idle_.back()->idle_since < idle_below) {
        std::unique_ptr<Connection> connection = std::move(idle_.back());
        idle_.pop_back();
        if (connection->socket.quiet()) {
            return connection;
        }
    }
    return nullptr;
}

void Backend::keep(std::unique_ptr<Connection> connection) {
    connection->deadline.clear();
    if (healthy_ && !fenced_ && idle_.size() < idle_max) {
        connection->reused = true;
        connection->idle_since = connection->socket.loop().now();
        idle_.push_back(std::move(connection));
    }
}

void Backend::sweep(io::Tick now) {
    std::erase_if(idle_, [now](const std::unique_ptr<Connection>& connection) {
        return now - connection->idle_since > idle_for || !connection->socket.quiet();
    });
}

}  // namespace core::proxy

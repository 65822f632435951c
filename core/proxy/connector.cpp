#include "core/proxy/connector.hpp"

#include <cerrno>

#include "core/proxy/worker.hpp"

namespace core::proxy {

io::Task<Connection*> Connector::connect(io::Tick idle_below) {
    release();
    while (!session_.client.aborted()) {
        Backend* const next = pool_.pick(session_.peer, tried_);
        if (next == nullptr) {
            break;
        }
        tried_.push_back(next);
        backend_ = next;
        record_.backend = next->spec().server;
        usage_.emplace(*next);
        connection_ = next->take_idle(idle_below);
        if (connection_ == nullptr) {
            const int failed = co_await open(*next);
            if (failed < 0) {
                ++next->failed;
                ++record_.retries;
                release();
                continue;
            }
        }
        session_.upstream = connection_.get();
        record_.connected = session_.worker.loop().now();
        co_return connection_.get();
    }
    record_.backend = {};
    co_return nullptr;
}

io::Task<int> Connector::open(Backend& backend) {
    auto fd = net::open_socket(backend.spec().address.family());
    if (!fd) {
        co_return -fd.error().os_error;
    }
    connection_ = std::make_unique<Connection>(session_.worker.loop(), std::move(*fd));
    session_.upstream = connection_.get();  // so that a stop ends the attempt too
    connection_->deadline.set(timeouts_.connect);
    const int result = co_await connection_->socket.connect(backend.spec().address);
    connection_->deadline.clear();
    co_return connection_->socket.aborted() ? -ETIMEDOUT : result;
}

void Connector::keep() {
    if (connection_ != nullptr) {
        session_.upstream = nullptr;
        backend_->keep(std::move(connection_));
    }
    release();
}

void Connector::release() {
    session_.upstream = nullptr;
    connection_.reset();
    usage_.reset();
}

}  // namespace core::proxy

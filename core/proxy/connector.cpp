#include "core/proxy/connector.hpp"

#include <algorithm>
#include <cerrno>

#include "core/proxy/worker.hpp"

namespace core::proxy {

io::Task<Connection*> Connector::connect(io::Tick idle_below) {
    release();
    while (!session_.client.aborted()) {
        const bool found = co_await choose();
        if (!found) {
            break;
        }
        Backend* const next = usage_.backend();
        tried_.push_back(next);
        backend_ = next;
        record_.backend = next->spec().server;
        // What a PROXY header has said of a connection holds for one client only, so there are none to use again.
        connection_ = introduces() ? nullptr : next->take_idle(idle_below);
        if (connection_ == nullptr) {
            const int failed = co_await open(*next);
            if (failed < 0) {
                ++record_.retries;
                release();
                session_.worker.count_failure(*next, failed == -ETIMEDOUT ? "connect timed out" : "connect failed");
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

io::Task<bool> Connector::choose() {
    refusal_ = Refusal::nobody;
    const auto among = pool_.queue().empty() ? Pool::Among::all : Pool::Among::unlimited;
    usage_ = pool_.pick(session_.peer, tried_, among, session_.worker.loop().now(), preferred_);
    if (usage_.backend() == nullptr && pool_.crowded(tried_)) {
        const io::Tick begun = session_.worker.loop().now();
        co_await wait();
        record_.queued += session_.worker.loop().now() - begun;
    }
    co_return usage_.backend() != nullptr;
}

// Enters first and looks then, so that what is given back in between is either seen here or wakes us.
io::Task<void> Connector::wait() {
    Queue& queue = pool_.queue();
    io::Loop& loop = session_.worker.loop();
    const auto place = std::make_shared<Queue::Place>(session_.worker.mailbox());
    if (!queue.enter(place, pool_.spec().queue_max)) {
        refusal_ = Refusal::crowded;
        co_return;
    }
    const io::Tick until = loop.now() + static_cast<io::Tick>(pool_.spec().queue_timeout.count());
    session_.pause = &place->slot;
    while (!session_.client.aborted()) {
        if (queue.first(*place)) {
            usage_ = pool_.pick(session_.peer, tried_, Pool::Among::all, loop.now(), preferred_);
            if (usage_.backend() != nullptr || !pool_.crowded(tried_)) {
                break;
            }
        }
        if (loop.now() >= until) {
            refusal_ = Refusal::expired;
            queue.count_expired();
            break;
        }
        co_await io::Sleep(loop, place->slot, until);
    }
    session_.pause = nullptr;
    queue.leave(*place);
}

io::Task<int> Connector::open(Backend& backend) {
    auto fd = net::open_socket(backend.spec().address.family());
    if (!fd) {
        co_return -fd.error().os_error;
    }
    connection_ = std::make_unique<Connection>(session_.worker.loop(), std::move(*fd));
    session_.upstream = connection_.get();  // so that a stop ends the attempt too
    connection_->deadline.set(timeouts_.connect);
    int result = co_await connection_->socket.connect(backend.spec().address);
    if (result == 0 && introduces()) {
        net::ProxyBuffer buffer;
        const std::string_view header = net::write_proxy_header(session_.origin(), pool_.spec().proxy_header, buffer);
        const int sent = co_await connection_->socket.send(header);
        result = std::min(sent, 0);
    }
    connection_->deadline.clear();
    co_return connection_->socket.aborted() ? -ETIMEDOUT : result;
}

std::string_view explain(Connector::Refusal refusal) noexcept {
    switch (refusal) {
        case Connector::Refusal::crowded:
            return "every server is at its limit and the queue is full";
        case Connector::Refusal::expired:
            return "every server stayed at its limit for as long as a request may wait";
        case Connector::Refusal::nobody:
            break;
    }
    return "no eligible backend";
}

void Connector::keep() {
    if (connection_ != nullptr && !introduces()) {
        session_.upstream = nullptr;
        backend_->keep(std::move(connection_));
    }
    release();
}

void Connector::release() {
    session_.upstream = nullptr;
    connection_.reset();
    usage_ = Usage();
}

}  // namespace core::proxy

#include "core/proxy/session/connector.hpp"

#include <algorithm>
#include <cerrno>

#include "core/proxy/session/context.hpp"

namespace core::proxy {
namespace {

// The first look at a waiting client, and the longest pause between two looks, in milliseconds. A look is one system
// call of less than a microsecond.
constexpr io::Tick first_look = 50;
constexpr io::Tick look_pause_max = 250;

}  // namespace

Connector::~Connector() {
    session_.context.loop().wheel().clear(*this);
    release();
}

void Connector::look_again() {
    io::Loop& loop = session_.context.loop();
    look_pause_ = look_pause_ == 0 ? first_look : std::min(look_pause_ * 2, look_pause_max);
    loop.wheel().set(*this, loop.now() + look_pause_);
}

// A client that has reset its connection has left. A client that has only sent FIN may wait for its answer. It takes no
// place in a queue, and neither a fence nor a drain waits for it. With abort_on_close it is served only if its answer
// has begun.
void Connector::on_expire() {
    if (session_.relaying || session_.client.aborted()) {
        return;
    }
    const net::Socket::Peer peer = session_.client.peer();
    const bool early = pool_.spec().abort_on_close && record_.answered == 0;
    const bool unwanted = early || session_.pause != nullptr || session_.context.draining() ||
                          (usage_.backend() != nullptr && usage_.backend()->fenced());
    if (peer == net::Socket::Peer::gone || (peer == net::Socket::Peer::finished && unwanted)) {
        session_.leave();
        return;
    }
    look_again();
}

io::Task<Connection*> Connector::connect(io::Tick idle_below) {
    release();
    if (!armed()) {
        look_again();
    }
    if (take_own()) {
        co_return connection_.get();
    }
    while (!session_.client.aborted()) {
        const bool found = co_await choose();
        if (!found) {
            break;
        }
        Backend* const next = usage_.backend();
        backend_ = next;
        record_.backend = next->spec().server;
        // A connection with a PROXY header belongs to one client, so there are no idle ones to reuse.
        connection_ = introduces() ? nullptr : next->take_idle(idle_below);
        if (connection_ == nullptr) {
            const int failed = co_await open(*next);
            if (failed < 0 && session_.left) {
                release();
                break;
            }
            if (net::is_shortage(-failed)) {
                pass_over_for_shortage(*next, -failed);
                continue;
            }
            if (failed < 0) {
                ++record_.retries;
                tried_.push_back(next);
                release();
                const std::string_view why = failed == -ETIMEDOUT ? "connect timed out" : "connect failed";
                session_.context.count_failure(*next, nullptr, why);
                continue;
            }
        }
        session_.upstream = connection_.get();
        record_.connected = session_.context.loop().now();
        co_return connection_.get();
    }
    record_.backend = {};
    if (short_ && refusal_ == Refusal::nobody) {
        refusal_ = Refusal::shortage;
    }
    co_return nullptr;
}

// Ports are counted for each server, so another server may have some left. This server is not at fault.
void Connector::pass_over_for_shortage(Backend& backend, int error) {
    short_ = true;
    ++record_.retries;
    tried_.push_back(&backend);
    release();
    session_.context.note_shortage(backend, error);
}

// A connection that may not be used any more is closed. Its client is then asked to log in again.
bool Connector::take_own() {
    const auto& all = pool_.backends();
    if (session_.own == nullptr || std::find(all.begin(), all.end(), session_.own->backend) == all.end()) {
        return false;
    }
    const std::unique_ptr<OwnConnection> own = std::move(session_.own);
    if (!own->backend->usable() || !own->connection->inbox.quiet()) {
        return false;
    }
    usage_ = Usage::of(*own->backend);
    if (usage_.backend() == nullptr) {
        usage_ = Usage::beyond_limit(*own->backend);
    }
    own_ = true;
    backend_ = own->backend.get();
    connection_ = std::move(own->connection);
    session_.upstream = connection_.get();
    record_.backend = backend_->spec().server;
    record_.connected = session_.context.loop().now();
    return true;
}

io::Task<bool> Connector::choose() {
    refusal_ = Refusal::nobody;
    const auto among = pool_.queue().empty() ? Pool::Among::all : Pool::Among::unlimited;
    usage_ = pool_.pick(session_.visitor, tried_, among, session_.context.loop().now(), preferred_);
    if (usage_.backend() == nullptr && (pool_.crowded(tried_) || may_hold())) {
        const io::Tick begun = session_.context.loop().now();
        co_await wait();
        record_.queued += session_.context.loop().now() - begun;
    }
    co_return usage_.backend() != nullptr;
}

// Holding ends `hold` after it first began: a server that comes up repeatedly and never answers must not extend it.
bool Connector::may_hold() const noexcept {
    const io::Tick now = session_.context.loop().now();
    return !pool_.maintenance && pool_.may_hold(now) &&
           now < held_since_.value_or(now) + static_cast<io::Tick>(pool_.spec().hold.count());
}

// The end of the wait, as things stand.
io::Tick Connector::patience(io::Tick begun) const noexcept {
    const PoolSpec& spec = pool_.spec();
    if (const auto since = pool_.memory().dark_since) {
        const auto hold = static_cast<io::Tick>(spec.hold.count());
        return std::min(*since, held_since_.value_or(*since)) + hold;
    }
    return begun + static_cast<io::Tick>(spec.queue_timeout.count());
}

// Enters the queue before it looks for room:
// 1. room comes free before the look: the look finds it;
// 2. room comes free after the look: give_back() wakes this place.
io::Task<void> Connector::wait() {
    Queue& queue = pool_.queue();
    io::Loop& loop = session_.context.loop();
    const auto place = std::make_shared<Queue::Place>(session_.context.mailbox());
    if (!queue.enter(place, pool_.spec().queue)) {
        refusal_ = pool_.memory().dark_since ? Refusal::nobody : Refusal::crowded;
        co_return;
    }
    const io::Tick begun = loop.now();
    session_.pause = &place->slot;
    while (!session_.client.aborted()) {
        const bool dark = pool_.memory().dark_since.has_value();
        if (dark) {
            held_since_ = held_since_.value_or(loop.now());
            tried_.clear();  // a backend that comes up now may be tried again
        }
        const io::Tick until = patience(begun);
        const bool first = queue.first(*place);
        if (first) {
            usage_ = pool_.pick(session_.visitor, tried_, Pool::Among::all, loop.now(), preferred_);
        }
        if (usage_.backend() != nullptr) {
            break;
        }
        const bool late = loop.now() >= until;
        if (late && (!dark || pool_.spec().hold.count() > 0)) {
            refusal_ = dark ? Refusal::nobody : Refusal::expired;
            queue.count_expired();
            break;
        }
        if (late || (first && !pool_.crowded(tried_) && !may_hold())) {
            break;
        }
        co_await io::Sleep(loop, place->slot, until);
    }
    session_.pause = nullptr;
    queue.leave(*place);
}

// Ports are counted for each source address, so where one has none left the next may have some.
io::Task<int> Connector::open(Backend& backend) {
    const int family = backend.spec().address.family();
    const std::size_t sources = pool_.sources(family);
    int result = co_await open_from(backend, pool_.next_source(family));
    for (std::size_t tries = 1; tries < sources && result == -EADDRNOTAVAIL && !session_.left; ++tries) {
        result = co_await open_from(backend, pool_.next_source(family));
    }
    co_return result;
}

io::Task<int> Connector::open_from(Backend& backend, const Address* source) {
    auto fd = net::open_socket(backend.spec().address.family());
    if (!fd) {
        co_return -fd.error().os_error;
    }
    if (source != nullptr && net::bind_source(fd->get(), *source) < 0) {
        co_return -EADDRNOTAVAIL;  // for any errno of bind: the server is not at fault
    }
    session_.upstream = nullptr;
    connection_ = std::make_unique<Connection>(session_.context.loop(), std::move(*fd));
    session_.upstream = connection_.get();  // so that a stop ends the attempt too
    connection_->deadline.set(timeouts_.connect, net::Deadline::Effect::reset);
    int result = co_await connection_->socket.connect(backend.spec().address);
    if (result == 0 && introduces()) {
        net::ProxyBuffer buffer;
        const std::string_view header = net::write_proxy_header(session_.origin(), pool_.spec().proxy_protocol, buffer);
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
        case Connector::Refusal::shortage:
            return "the load balancer is short of ports, descriptors or memory";
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

// Also after a PROXY header: the connection stays with the same client.
void Connector::keep_own() {
    const auto& all = pool_.backends();
    const auto found =
        std::find_if(all.begin(), all.end(), [this](const auto& backend) { return backend.get() == backend_; });
    if (connection_ != nullptr && found != all.end() && backend_->usable()) {
        session_.upstream = nullptr;
        connection_->rest();
        session_.own = std::make_unique<OwnConnection>(OwnConnection{*found, std::move(connection_)});
    }
    release();
}

void Connector::release() {
    own_ = false;
    session_.upstream = nullptr;
    connection_.reset();
    usage_ = Usage();
}

}  // namespace core::proxy

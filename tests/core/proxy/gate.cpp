#include "tests/core/proxy/gate.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

namespace core::proxy::testing {

Peer::Peer(base::Descriptor fd) : fd_(std::move(fd)) {
    const timeval patience{5, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

void Peer::send(std::string_view bytes) const {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return;  // the other side has closed; the test looks at what it left
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

bool Peer::fill() {
    char memory[16384];
    ssize_t got = -1;
    do {
        got = ::recv(fd_.get(), memory, sizeof memory, 0);
    } while (got < 0 && errno == EINTR);
    was_reset_ = was_reset_ || (got < 0 && errno == ECONNRESET);
    if (got > 0) {
        buffer_.append(memory, static_cast<std::size_t>(got));
    }
    return got > 0;
}

std::string Peer::read_until(std::string_view mark) {
    std::size_t at = buffer_.find(mark);
    while (at == std::string::npos && fill()) {
        at = buffer_.find(mark);
    }
    return read_bytes(at == std::string::npos ? buffer_.size() : at + mark.size());
}

std::string Peer::read_bytes(std::size_t count) {
    while (buffer_.size() < count && fill()) {
    }
    std::string bytes = buffer_.substr(0, count);
    buffer_.erase(0, bytes.size());
    return bytes;
}

std::string Peer::read_all() {
    while (fill()) {
    }
    return std::exchange(buffer_, {}) + (was_reset_ ? "<reset>" : "");
}

void Peer::end() const {
    ::shutdown(fd_.get(), SHUT_WR);
}

void Peer::reset() {
    const linger now{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    fd_.reset();
}

Origin::Origin(std::function<void(Peer&)> script)
    : listening_(tests::listen_on_loopback(address_)), script_(std::move(script)), thread_([this] {
          for (;;) {
              base::Descriptor fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
              if (!fd.valid()) {
                  return;
              }
              const std::lock_guard lock(mutex_);
              ++connections_;
              sessions_.emplace_back([this, raw = fd.release()] {
                  Peer peer{base::Descriptor(raw)};
                  script_(peer);
              });
          }
      }) {}

Origin::~Origin() {
    ::shutdown(listening_.get(), SHUT_RDWR);
    thread_.join();
    for (std::thread& session : sessions_) {
        session.join();
    }
}

int Origin::connections() const {
    const std::lock_guard lock(mutex_);
    return connections_;
}

std::function<void(Peer&)> answer_all(std::string response) {
    return [response = std::move(response)](Peer& peer) {
        while (!peer.read_until("\r\n\r\n").empty()) {
            peer.send(response);
        }
    };
}

std::function<void(Peer&)> answer_once(std::string& request, std::string mark, std::string response) {
    return [&request, mark = std::move(mark), response = std::move(response)](Peer& peer) {
        request = peer.read_until(mark);
        peer.send(response);
        peer.end();
        peer.read_all();
    };
}

Address nobody() {
    Address address;
    tests::listen_on_loopback(address);
    return address;
}

Gate::Gate(std::vector<Address> backends, Mode mode, const std::function<void(Snapshot&)>& change, unsigned workers)
    : mode_(mode), change_(change), log_fd_(::memfd_create("log", MFD_CLOEXEC)) {
    log_ = std::make_unique<base::Log>(log_fd_);
    server_ = std::make_unique<Server>(*log_);
    const auto started = server_->start(workers);
    VERIFY(started.has_value());
    configure(std::move(backends), tests::listen_on_loopback(address_));
}

Gate::~Gate() {
    server_.reset();
    log_.reset();
    ::close(log_fd_);
}

void Gate::configure(std::vector<Address> backends, base::Descriptor listening, bool checked,
                     const Findings& findings) {
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->listeners.push_back({{.mode = mode_}, "web", address_, "app"});
    PoolSpec pool;
    pool.name = "app";
    for (const Address& backend : backends) {
        BackendSpec spec;
        spec.server = "web" + std::to_string(pool.backends.size() + 1);
        spec.address = backend;
        pool.backends.push_back(std::move(spec));
    }
    snapshot->pools.push_back(pool);
    change_(*snapshot);
    std::vector<Server::ListenerSockets> sockets(1);
    for (unsigned i = 0; i < server_->workers(); ++i) {
        sockets[0].emplace_back(::dup(listening.get()));  // one socket for all: whichever worker is first accepts
    }
    server_->configure(snapshot, std::move(sockets), findings);
    for (const BackendSpec& backend : pool.backends) {
        if (checked) {
            server_->set_health("app", backend.server, backend.address, true);
        }
    }
    static_cast<void>(server_->report());  // its answer shows that the letters before it were read
}

void Gate::reload(std::vector<Address> backends) {
    configure(std::move(backends), base::Descriptor(::dup(0)));
}

void Gate::reload(std::vector<Address> backends, std::function<void(Snapshot&)> change) {
    change_ = std::move(change);
    reload(std::move(backends));
}

void Gate::reload_unchecked(std::vector<Address> backends, std::function<void(Snapshot&)> change, Findings findings) {
    change_ = std::move(change);
    configure(std::move(backends), base::Descriptor(::dup(0)), false, findings);
}

Peer Gate::client_from(const char* from) const {
    auto fd = net::open_socket(address_.family());
    VERIFY(fd.has_value() && net::bind_source(fd->get(), *Address::parse_host(from, 0)) == 0);
    ::fcntl(fd->get(), F_SETFL, 0);  // it blocks
    sockaddr_storage storage{};
    const socklen_t size = address_.fill(storage);
    VERIFY(::connect(fd->get(), reinterpret_cast<const sockaddr*>(&storage), size) == 0);
    return Peer(std::move(*fd));
}

std::string Gate::ask_from(const char* from, std::string_view request) const {
    Peer peer = client_from(from);
    peer.send(request);
    return peer.read_all();
}

std::string Gate::ask(std::string_view request) const {
    Peer peer = client();
    peer.send(request);
    return peer.read_all();
}

void Gate::fence(const std::vector<std::string>& servers) {
    Administration administration;
    for (const std::string& server : servers) {
        administration.fences.push_back({"app", server});
    }
    administer(administration);
}

bool Gate::waiting(std::uint64_t count) {
    return eventually([&] { return server_->report().queues.at(0).waiting == count; });
}

bool Gate::becomes_idle() {
    return eventually([&] {
        const WorkerReport report = server_->report();
        return std::all_of(report.listeners.begin(), report.listeners.end(),
                           [](const ListenerReport& each) { return each.sessions == 0; });
    });
}

std::string Gate::log() const {
    std::string text(1 << 20, 0);
    const ssize_t size = ::pread(log_fd_, text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return text;
}

void RingTest::SetUp() {
    if (const auto loop = io::Loop::create({}); !loop) {
        GTEST_SKIP() << loop.error().line();
    }
}

}  // namespace core::proxy::testing

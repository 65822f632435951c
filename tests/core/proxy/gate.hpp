// Gate: a real proxy server on loopback, and Origin: a scripted backend behind it. For the tests of this room.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/proxy/server/server.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/socket_pair.hpp"

namespace core::proxy::testing {

using tests::support::eventually;

// Blocking reads and writes with a timeout of five seconds, on a connected socket.
class Peer {
public:
    explicit Peer(base::Descriptor fd);
    Peer(const Peer&) = delete;
    void send(std::string_view bytes) const;
    // Up to and including mark. Where mark never comes: all until the close or a timeout.
    std::string read_until(std::string_view mark);
    std::string read_bytes(std::size_t count);
    // All up to the end of the connection. "<reset>" is appended where it ended with RST.
    std::string read_all();
    void end() const;  // FIN
    void reset();      // RST
    [[nodiscard]] int fd() const { return fd_.get(); }

private:
    bool fill();
    base::Descriptor fd_;
    std::string buffer_;
    bool was_reset_ = false;
};

// Runs script once for each connection, each on a thread; joins them at its end.
class Origin {
public:
    explicit Origin(std::function<void(Peer&)> script);
    ~Origin();
    [[nodiscard]] const Address& address() const { return address_; }
    [[nodiscard]] int connections() const;

private:
    Address address_;
    base::Descriptor listening_;
    std::function<void(Peer&)> script_;
    mutable std::mutex mutex_;
    int connections_ = 0;
    std::vector<std::thread> sessions_;
    std::thread thread_;
};

// An answer to every request without a body, on a connection that stays open.
std::function<void(Peer&)> answer_all(std::string response);
// Answers once and stores the request, up to mark.
std::function<void(Peer&)> answer_once(std::string& request, std::string mark, std::string response);

// A port without a listener.
Address nobody();

inline const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
inline const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
inline const std::string get_close = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

// One pool "app" of the given backends, all healthy, behind one listener.
class Gate {
public:
    explicit Gate(
        std::vector<Address> backends, Mode mode = Mode::http,
        const std::function<void(Snapshot&)>& change = [](Snapshot&) {}, unsigned workers = 1);
    ~Gate();

    [[nodiscard]] const Address& address() const { return address_; }
    [[nodiscard]] Peer client() const { return Peer(tests::connect_to(address_)); }
    // A client with the source address from: "127.0.0.2".
    [[nodiscard]] Peer client_from(const char* from) const;
    // Sends request and reads all until the proxy closes.
    [[nodiscard]] std::string ask(std::string_view request) const;
    [[nodiscard]] std::string ask_from(const char* from, std::string_view request) const;
    void administer(const Administration& administration) { server_->administer(administration); }
    void fence(const std::vector<std::string>& servers);
    void reload(std::vector<Address> backends);
    // The same backends under another configuration.
    void reload(std::vector<Address> backends, std::function<void(Snapshot&)> change);
    // The same before any check has ended; findings says what is known of the backends.
    void reload_unchecked(std::vector<Address> backends, std::function<void(Snapshot&)> change, Findings findings = {});
    Server& server() { return *server_; }
    // Waits until no session is open; false where that does not happen.
    bool becomes_idle();
    // Waits until so many requests stand in the first pool's queue; false where that does not happen.
    bool waiting(std::uint64_t count);
    // What was logged; call end_log() after a drain to have all of it.
    [[nodiscard]] std::string log() const;
    void end_log() {
        server_.reset();
        log_.reset();
    }

private:
    void configure(std::vector<Address> backends, base::Descriptor listening, bool checked = true,
                   const Findings& findings = {});
    Mode mode_;
    std::function<void(Snapshot&)> change_;
    Address address_;
    int log_fd_;
    std::unique_ptr<base::Log> log_;
    std::unique_ptr<Server> server_;
};

// Skips where io_uring cannot be used, and says why.
class RingTest : public ::testing::Test {
protected:
    void SetUp() override;
};

}  // namespace core::proxy::testing

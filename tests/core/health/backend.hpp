// Backend: a scripted application server on loopback with plain blocking sockets and threads; for probes.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/socket_pair.hpp"
#include "tests/support/sockets.hpp"

namespace core::health::testing {

// A probe's connection, seen from the backend. All waits end after five seconds.
class Visit {
public:
    explicit Visit(base::Descriptor fd) : fd_(std::move(fd)) {
        const timeval patience{5, 0};
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    std::string read_head() {
        std::string head;
        char byte = 0;
        while (!head.ends_with("\r\n\r\n") && ::recv(fd_.get(), &byte, 1, 0) == 1) {
            head += byte;
        }
        return head;
    }
    void say(std::string_view bytes) { tests::support::send_all(fd_.get(), bytes); }
    // "FIN", or the name of the error, ECONNRESET.
    std::string wait_for_end() {
        char byte = 0;
        ssize_t got = 0;
        while ((got = ::recv(fd_.get(), &byte, 1, 0)) == 1) {
        }
        return got == 0 ? "FIN" : strerrorname_np(errno);
    }
    void end() { fd_.reset(); }
    void reset() {
        const linger now{1, 0};
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
        fd_.reset();
    }

private:
    base::Descriptor fd_;
};

// A number that threads wait for.
class Counter {
public:
    void add() {
        const std::lock_guard lock(mutex_);
        ++value_;
        changed_.notify_all();
    }
    [[nodiscard]] int value() {
        const std::lock_guard lock(mutex_);
        return value_;
    }
    // False where it has not reached at_least within five seconds.
    bool wait(int at_least) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(5), [&] { return value_ >= at_least; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int value_ = 0;
};

class Backend {
public:
    using Script = std::function<void(Visit&, int number)>;  // number: 1 for the first visit

    explicit Backend(Script script, bool v6 = false)
        : listening_(tests::listen_on_loopback(address_, v6)), script_(std::move(script)), thread_([this] { run(); }) {}
    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;
    ~Backend() {
        ::shutdown(listening_.get(), SHUT_RDWR);
        thread_.join();
        for (std::thread& session : sessions_) {
            session.join();
        }
    }
    [[nodiscard]] const Address& address() const { return address_; }
    Counter& visits() { return visits_; }

private:
    void run() {
        for (int number = 1;; ++number) {
            base::Descriptor fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!fd.valid()) {
                return;
            }
            sessions_.emplace_back([this, number, raw = fd.release()] {
                Visit visit{base::Descriptor(raw)};
                visits_.add();
                script_(visit, number);
            });
        }
    }

    Address address_;
    base::Descriptor listening_;
    Script script_;
    Counter visits_;
    std::vector<std::thread> sessions_;
    std::thread thread_;
};

// Answers each visit with the next status of the row, and all further ones with the last.
inline Backend::Script answer(std::vector<int> row) {
    return [row = std::move(row)](Visit& visit, int number) {
        visit.read_head();
        const int status = row[std::min(static_cast<std::size_t>(number), row.size()) - 1];
        visit.say("HTTP/1.1 " + std::to_string(status) + " Whatever\r\nContent-Length: 0\r\n\r\n");
        visit.wait_for_end();
    };
}

// Sends the same bytes to every visit, and closes it if end is set.
inline Backend::Script say(std::string bytes, bool end = false) {
    return [bytes = std::move(bytes), end](Visit& visit, int) {
        visit.read_head();
        visit.say(bytes);
        end ? visit.end() : static_cast<void>(visit.wait_for_end());
    };
}

}  // namespace core::health::testing

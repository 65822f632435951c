// Monitor: checks all backends, on a thread and a ring of its own, so that a busy worker never makes a healthy server
// look slow. Every change of health goes to the observer.
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/descriptor.hpp"
#include "core/health/check.hpp"
#include "core/health/tally.hpp"
#include "core/io/mailbox.hpp"
#include "core/io/task.hpp"

namespace core::health {

// One backend to be checked. pool and server together name it.
struct Target {
    std::string pool;
    std::string server;
    Address address;
    Check check;
};

// What is known of a target at the moment of asking.
struct Standing {
    std::string pool;
    std::string server;
    Address address;
    Health health = Health::unknown;
    std::string why;
    WallTime since{};
    Milliseconds last{0};  // how long the last check took
    std::uint64_t passed = 0;
    std::uint64_t failed = 0;
};

class Monitor {
public:
    // Told of every change, on the monitor's thread.
    class Observer {
    public:
        virtual void on_health(const Standing& standing) = 0;

    protected:
        ~Observer() = default;
    };

    // observer outlives the monitor.
    explicit Monitor(Observer& observer);
    Monitor(const Monitor&) = delete;
    Monitor& operator=(const Monitor&) = delete;
    ~Monitor();

    // Error: the ring could not be made.
    Result<void> start();
    // Replaces the targets. One whose name, address and check stay the same keeps its standing; a new one is checked at
    // once, all new ones in parallel. sockets: marked sockets to probe with (see probe()), any number; a target for
    // which there is none uses a plain socket. Returns when the change is made.
    void apply(std::vector<Target> targets, std::vector<base::Descriptor> sockets);
    // Forgets the standing of one target, tells the observer so, and checks it at once: used when its fence has been
    // lifted. When it returns, no earlier verdict can reach the observer any more.
    void recheck(const std::string& pool, const std::string& server, std::string why);
    // Visitors' exchanges have shown that the backend at address fails: it is down until its checks bring it back. Any
    // thread; does not wait.
    void fail(const std::string& pool, const std::string& server, const Address& address, std::string why);
    [[nodiscard]] std::vector<Standing> standings();

private:
    class Watch;

    void run(std::promise<Result<void>>& started);
    void replace(std::vector<Target> targets, std::vector<base::Descriptor> sockets);
    base::Descriptor take_socket(int family);
    template <typename Order>
    void on_thread(Order order);

    Observer& observer_;
    io::Mailbox mailbox_;
    std::unique_ptr<io::Loop> loop_;
    io::TaskGroup tasks_;
    std::vector<std::shared_ptr<Watch>> watches_;
    std::vector<base::Descriptor> sockets_;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace core::health

// Monitor: checks all backends. It has its own thread and ring, so that a busy worker never makes a healthy server look
// slow. Every change of health goes to the observer.
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
#include "core/health/succession.hpp"
#include "core/health/target.hpp"
#include "core/io/mailbox.hpp"
#include "core/io/task.hpp"

namespace core::health {

// Which earlier verdicts count again when targets are replaced.
enum class Recall : std::uint8_t {
    removed,   // of addresses that lost their check at most a minute ago
    replaced,  // of the last hour, replaced checks included: a change is taken back
};

class Monitor {
public:
    // On the monitor's thread.
    class Observer {
    public:
        // Called at every change.
        virtual void on_health(const Standing& standing) = 0;
        // A target begins with another target's verdict. No health has changed.
        virtual void on_inherited(const Standing& /*standing*/) {}
        // A check could not be made, because this machine lacks something. Called each time.
        virtual void on_shortage(const Standing& /*standing*/, const std::string& /*why*/) {}

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
    // Replaces the targets. inherit() says which verdicts carry over; the other targets are checked at once, all in
    // parallel. sockets: marked sockets for probes (see Probe), any number; a target without one uses a plain socket.
    // Returns when the change is made.
    void apply(std::vector<Target> targets, std::vector<base::Descriptor> sockets, Recall recall = Recall::removed);
    // The health that each target would begin with, were it applied now.
    [[nodiscard]] std::vector<Health> forecast(const std::vector<Target>& targets, Recall recall = Recall::removed);
    // Forgets the standing of one target, tells the observer so, and checks it at once. Used when its fence was lifted.
    // When it returns, no earlier verdict can reach the observer any more.
    void recheck(const std::string& pool, const std::string& server, std::string why);
    // Visitors' exchanges show that the backend at address fails: it is down until its checks bring it back up. Any
    // thread; does not wait.
    void fail(const std::string& pool, const std::string& server, const Address& address, std::string why);
    [[nodiscard]] std::vector<Standing> standings();

private:
    class Watch;
    // What is known of a target that is no longer checked.
    struct Retired {
        Target target;
        Tally tally;
        std::uint64_t at = 0;  // io::steady_now()
    };
    // How one of the new targets begins.
    struct Start {
        Inheritance inheritance;
        Tally tally;
    };

    void run(std::promise<Result<void>>& started);
    void replace(std::vector<Target> targets, std::vector<base::Descriptor> sockets, Recall recall);
    [[nodiscard]] std::vector<Start> plan(const std::vector<Target>& targets, Recall recall) const;
    [[nodiscard]] const Retired* remembered(const Target& target, Recall recall) const;
    void retire(const Watch& watch);
    void forget(const Address& address);
    base::Descriptor take_socket(int family);
    template <typename Order>
    void on_thread(Order order);

    Observer& observer_;
    io::Mailbox mailbox_;
    std::unique_ptr<io::Loop> loop_;
    io::TaskGroup tasks_;
    std::vector<std::shared_ptr<Watch>> watches_;
    std::vector<Retired> retired_;  // oldest first
    std::vector<base::Descriptor> sockets_;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace core::health

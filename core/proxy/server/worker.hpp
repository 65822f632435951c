// Worker: one thread with one ring and its own state. It accepts connections and runs their sessions. The server sends
// it letters: a new snapshot, fences, health, a request for its counters, the order to end.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "core/base/log.hpp"
#include "core/io/loop.hpp"
#include "core/io/mailbox.hpp"
#include "core/io/task.hpp"
#include "core/net/acceptor.hpp"
#include "core/proxy/session/context.hpp"

namespace core::proxy {

class Worker {
public:
    // commons, log and observer (may be null) outlive the worker.
    Worker(unsigned index, io::LoopOptions options, Commons& commons, base::Log& log, Observer* observer = nullptr);
    ~Worker();

    // The thread's body. Makes the ring and reports the result through started. Serves until it was told to end and no
    // session is left.
    void run(std::promise<Result<void>>& started);

    // Any thread: letter runs on this worker's thread. It is never delivered after the worker has ended.
    void post(io::Mailbox::Letter letter) { mailbox_.post(std::move(letter)); }

    // The rest: on the worker's own thread only.

    struct Listening {
        ListenerSpec spec;
        base::Descriptor fd;
    };
    // Takes a new configuration. A listener with an existing address keeps its socket. applied is called once the
    // sockets of removed listeners are closed: until then their addresses are in use.
    void apply(SnapshotRef snapshot, std::vector<Listening> listeners, const Findings& findings,
               io::Mailbox::Letter applied);
    void administer(const Administration& administration);
    void set_health(const std::string& pool, const std::string& server, const Address& address, bool healthy);
    [[nodiscard]] std::vector<Refusal> refusals() const { return context_.refusals(); }
    [[nodiscard]] WorkerReport report();
    // What a drain does with a session that waits for a request.
    // end: closes it, unless bytes have come. A race can lose a request: 1. the client sends it; 2. the drain closes
    // the connection; 3. the request arrives.
    // stay: leaves it open. Its next response tells the client that the connection closes.
    enum class Idle { end, stay };
    // Stops accepting. Idle sessions end or stay. Exchanges may continue until within has passed, relays for the
    // snapshot's relay_drain, at most within.
    void drain(Milliseconds within, Idle idle);
    // What a drain had to cut off. Any thread, after the worker has ended.
    [[nodiscard]] const CutReport& cut() const noexcept { return cut_; }

private:
    class Door;
    // Once a second: closes dead idle connections, and ends sessions that outlive a drain.
    class Housekeeping final : public io::Timer {
    public:
        explicit Housekeeping(Worker& worker) noexcept : worker_(worker) {}

    private:
        void on_expire() override { worker_.keep_house(); }
        Worker& worker_;
    };

    void accept(base::Descriptor connection, const std::shared_ptr<ListenerState>& listener);
    void keep_house();
    void cut_late(io::Tick& next);
    void balance_acceptance();
    void report_closed();
    [[nodiscard]] bool done() const noexcept;
    void wind_down();
    void write_log();

    unsigned index_;
    io::LoopOptions options_;
    base::Log& log_;
    io::Mailbox mailbox_;
    std::unique_ptr<io::Loop> loop_;
    WorkerContext context_;
    Administration administration_;
    std::vector<std::unique_ptr<Door>> doors_;
    std::vector<io::Mailbox::Letter> applied_;  // called when no door is closing any more
    io::TaskGroup sessions_;
    Housekeeping housekeeping_{*this};
    io::Tick drain_until_ = 0;
    io::Tick relays_until_ = 0;
    CutReport cut_;
    bool accepting_ = true;
};

}  // namespace core::proxy

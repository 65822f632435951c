// Server: the data plane as its owner sees it. Starts the workers and carries every order to all of them. Its methods
// block until all workers have carried the order out; called from one thread, which is none of the workers'.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "core/base/log.hpp"
#include "core/proxy/config/snapshot.hpp"
#include "core/proxy/server/worker.hpp"
#include "core/proxy/stats/report.hpp"

namespace core::proxy {

class Server {
public:
    // log and observer (of all workers, each on its own thread; may be null) outlive the server.
    explicit Server(base::Log& log, io::LoopOptions options = {}, Observer* observer = nullptr);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    // Drains with no patience where drain() was not called.
    ~Server();

    // Starts count (1 to 1024) workers. Error: a ring could not be made; then none runs. Once only.
    Result<void> start(unsigned count);
    [[nodiscard]] unsigned workers() const noexcept { return static_cast<unsigned>(workers_.size()); }

    // Sockets of one listener: as many as there are workers, one each (SO_REUSEPORT).
    using ListenerSockets = std::vector<base::Descriptor>;
    // Swaps the configuration: listeners whose address stays keep accepting, exchanges in flight go on, backends that
    // stay keep their health. Where no backend of a pool has been checked yet, those before it serve on for its
    // overlap. sockets[i] belongs to snapshot->listeners[i]. Those of listeners that are gone are closed when this
    // returns. findings: what checks have found of the snapshot's backends under other names.
    void configure(const SnapshotRef& snapshot, std::vector<ListenerSockets> sockets, const Findings& findings = {});
    // Returns once no worker holds an idle connection to a fenced backend or would choose one.
    void administer(const Administration& administration);
    // Any thread; does not wait. address says which backend was checked: a verdict on an address that a reload has
    // taken away must not open the new one.
    void set_health(const std::string& pool, const std::string& server, const Address& address, bool healthy);
    [[nodiscard]] WorkerReport report();
    // What was refused lately, by each listener and of each server (Refusals), oldest first.
    [[nodiscard]] std::vector<Refusal> refusals();
    // Returns when all sessions have ended: exchanges by within, relays by the snapshot's relay_drain; and what had to
    // be cut off then. A second call returns the same at once.
    CutReport drain(Milliseconds within, Worker::Idle idle = Worker::Idle::end);

private:
    struct Running {
        std::unique_ptr<Worker> worker;
        std::thread thread;
    };
    // Has order(worker) run on every worker's thread and waits for all.
    template <typename Order>
    void on_all(Order order);

    base::Log& log_;
    io::LoopOptions options_;
    Observer* observer_;
    Commons commons_;
    std::vector<Running> workers_;
    bool drained_ = false;
};

}  // namespace core::proxy

#include "core/proxy/server/server.hpp"

#include <future>
#include <latch>
#include <mutex>

#include "core/base/verify.hpp"

namespace core::proxy {

Server::Server(base::Log& log, io::LoopOptions options, Observer* observer)
    : log_(log), options_(options), observer_(observer) {}

Server::~Server() {
    drain(Milliseconds(0));
}

Result<void> Server::start(unsigned count) {
    VERIFY(workers_.empty());
    Result<void> outcome;
    for (unsigned index = 0; index < count && outcome; ++index) {
        Running running;
        running.worker = std::make_unique<Worker>(index, options_, commons_, log_, observer_);
        std::promise<Result<void>> started;
        auto ready = started.get_future();
        running.thread = std::thread(
            [worker = running.worker.get(), promise = std::move(started)]() mutable { worker->run(promise); });
        outcome = ready.get();
        if (outcome) {
            workers_.push_back(std::move(running));
        } else {
            running.thread.join();
        }
    }
    if (!outcome) {
        drain(Milliseconds(0));
        workers_.clear();
        drained_ = false;  // nothing runs; it may be tried again
    }
    return outcome;
}

template <typename Order>
void Server::on_all(Order order) {
    std::latch done(static_cast<std::ptrdiff_t>(workers_.size()));
    for (Running& running : workers_) {
        Worker& worker = *running.worker;
        worker.post([&worker, &order, &done] {
            order(worker);
            done.count_down();
        });
    }
    done.wait();
}

void Server::configure(const SnapshotRef& snapshot, std::vector<ListenerSockets> sockets, const Findings& findings) {
    VERIFY(!drained_ && sockets.size() == snapshot->listeners.size());
    std::vector<std::vector<Worker::Listening>> shares(workers_.size());
    for (std::size_t i = 0; i < sockets.size(); ++i) {
        VERIFY(sockets[i].size() == workers_.size());
        for (std::size_t worker = 0; worker < workers_.size(); ++worker) {
            shares[worker].push_back({snapshot->listeners[i], std::move(sockets[i][worker])});
        }
    }
    std::latch done(static_cast<std::ptrdiff_t>(workers_.size()));
    for (std::size_t index = 0; index < workers_.size(); ++index) {
        Worker& worker = *workers_[index].worker;
        worker.post([&worker, &snapshot, &findings, &done, share = &shares[index]] {
            worker.apply(snapshot, std::move(*share), findings, [&done] { done.count_down(); });
        });
    }
    done.wait();
    commons_.sweep();
}

void Server::administer(const Administration& administration) {
    VERIFY(!drained_);
    on_all([&administration](Worker& worker) { worker.administer(administration); });
}

void Server::set_health(const std::string& pool, const std::string& server, const Address& address, bool healthy) {
    for (Running& running : workers_) {
        Worker& worker = *running.worker;
        worker.post([&worker, pool, server, address, healthy] { worker.set_health(pool, server, address, healthy); });
    }
}

std::vector<Refusal> Server::refusals() {
    std::vector<Refusal> all;
    std::mutex mutex;
    if (!drained_) {
        on_all([&](Worker& worker) {
            const std::vector<Refusal> part = worker.refusals();
            const std::lock_guard lock(mutex);
            all.insert(all.end(), part.begin(), part.end());
        });
    }
    return last_of(std::move(all));
}

WorkerReport Server::report() {
    WorkerReport sum;
    std::mutex mutex;
    if (!drained_) {
        on_all([&](Worker& worker) {
            const WorkerReport part = worker.report();
            const std::lock_guard lock(mutex);
            add(sum, part);
        });
        commons_.report(sum);
    }
    return sum;
}

CutReport Server::drain(Milliseconds within, Worker::Idle idle) {
    if (!drained_) {
        drained_ = true;
        on_all([within, idle](Worker& worker) { worker.drain(within, idle); });
        for (Running& running : workers_) {
            running.thread.join();
        }
    }
    CutReport cut;
    for (const Running& running : workers_) {
        cut.exchanges += running.worker->cut().exchanges;
        cut.relays += running.worker->cut().relays;
    }
    return cut;
}

}  // namespace core::proxy

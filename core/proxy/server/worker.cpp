#include "core/proxy/server/worker.hpp"

#include <signal.h>

#include <algorithm>

#include "core/base/thread_name.hpp"
#include "core/base/verify.hpp"

namespace core::proxy {
namespace {

constexpr io::Tick house_every = 1000;

// splice(2) into a connection that has ended raises SIGPIPE and has no MSG_NOSIGNAL. A blocked SIGPIPE stays pending on
// this thread and has no effect.
void block_pipe_signal() {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

// A listening socket of this worker.
class Worker::Door final : public net::Acceptor {
public:
    Door(Worker& worker, Listening listening)
        : net::Acceptor(*worker.loop_, std::move(listening.fd)),
          state(std::make_shared<ListenerState>(
              ListenerState{std::make_shared<const ListenerSpec>(std::move(listening.spec))})),
          worker_(worker) {}

    std::shared_ptr<ListenerState> state;
    bool leaving = false;
    bool closed = false;

private:
    void on_accepted(base::Descriptor connection) override { worker_.accept(std::move(connection), state); }
    void on_stopped() override {
        closed = true;
        worker_.report_closed();
    }
    Worker& worker_;
};

Worker::Worker(unsigned index, io::LoopOptions options, Commons& commons, base::Log& log, Observer* observer)
    : index_(index), options_(options), log_(log), context_(mailbox_, commons, observer) {}

Worker::~Worker() = default;

void Worker::run(std::promise<Result<void>>& started) {
    base::name_thread("worker " + std::to_string(index_));
    block_pipe_signal();
    auto loop = io::Loop::create(options_);
    if (!loop) {
        started.set_value(tl::unexpected(loop.error()));
        return;
    }
    loop_ = std::move(*loop);
    context_.attach(*loop_);
    mailbox_.attach(*loop_);
    loop_->wheel().set(housekeeping_, loop_->now() + house_every);
    started.set_value({});
    while (!done()) {
        loop_->run_once(house_every);
        balance_acceptance();
        write_log();
    }
    wind_down();
}

void Worker::wind_down() {
    mailbox_.detach();
    loop_->wheel().clear(housekeeping_);
    context_.set_routing(nullptr);  // closes idle backend connections, while their loop still lives
    loop_->run_until([this] { return mailbox_.idle() && loop_->pending() == 0; });
    doors_.clear();
    write_log();
    loop_.reset();
}

void Worker::write_log() {
    if (std::string& lines = context_.log_lines(); !lines.empty()) {
        log_.write(lines);
        lines.clear();
    }
}

bool Worker::done() const noexcept {
    // A door that is still closing may take connections from its backlog, so doors must be idle too.
    return context_.draining() && sessions_.empty() &&
           std::all_of(doors_.begin(), doors_.end(), [](const auto& door) { return door->idle(); });
}

void Worker::apply(SnapshotRef snapshot, std::vector<Listening> listeners, const Findings& findings,
                   io::Mailbox::Letter applied) {
    const auto routing = std::make_shared<Routing>(std::move(snapshot), context_.routing().get(), context_.commons(),
                                                   loop_->now() * 31 + index_, findings, loop_->now());
    routing->apply(administration_);
    routing->settle(loop_->now());
    context_.set_routing(routing);
    std::vector<std::unique_ptr<Door>> kept;
    for (Listening& listening : listeners) {
        const auto same = std::find_if(doors_.begin(), doors_.end(), [&](const std::unique_ptr<Door>& door) {
            return door != nullptr && !door->leaving && door->state->spec->address == listening.spec.address;
        });
        if (same != doors_.end()) {
            (*same)->state->spec = std::make_shared<const ListenerSpec>(std::move(listening.spec));
            kept.push_back(std::move(*same));
        } else if (!context_.draining()) {
            kept.push_back(std::make_unique<Door>(*this, std::move(listening)));
            if (accepting_) {
                kept.back()->start();
            }
        }
    }
    for (std::unique_ptr<Door>& door : doors_) {
        if (door != nullptr) {
            door->leaving = true;
            kept.push_back(std::move(door));  // dropped once the kernel has ended its accept
        }
    }
    doors_ = std::move(kept);
    for (const std::unique_ptr<Door>& door : doors_) {
        if (door->leaving) {
            door->stop();
        }
    }
    applied_.push_back(std::move(applied));
    report_closed();
}

void Worker::report_closed() {
    const bool closing = std::any_of(doors_.begin(), doors_.end(),
                                     [](const std::unique_ptr<Door>& door) { return door->leaving && !door->closed; });
    if (!closing) {
        for (const io::Mailbox::Letter& applied : std::exchange(applied_, {})) {
            applied();
        }
    }
}

void Worker::administer(const Administration& administration) {
    administration_ = administration;
    if (const auto& routing = context_.routing()) {
        routing->apply(administration_);
        routing->settle(loop_->now());
        context_.for_each_session([](Session& session) { session.drop_fenced(); });
    }
}

void Worker::set_health(const std::string& pool, const std::string& server, const Address& address, bool healthy) {
    if (const auto& routing = context_.routing()) {
        const auto backend = routing->backend(pool, server);
        if (backend != nullptr && backend->spec().address == address) {
            backend->set_healthy(healthy, loop_->now());
            routing->settle(loop_->now());
        }
    }
}

WorkerReport Worker::report() {
    WorkerReport report;
    report.moved = context_.moved();
    report.shortages = context_.shortages();
    for (const auto& door : doors_) {
        if (!door->leaving) {
            const ListenerState& state = *door->state;
            report.listeners.push_back({state.spec->name, state.sessions, state.accepted, state.refused});
        }
    }
    if (const auto& routing = context_.routing()) {
        for (Pool& pool : routing->pools()) {
            if (pool.memory().visitors.requests > 0) {
                report.visitors.push_back({pool.name(), pool.memory().visitors});
            }
            for (const auto& backend : pool.backends()) {
                report.backends.push_back({pool.name(), backend->spec().server, backend->active, backend->total,
                                           backend->failed, backend->odd});
            }
        }
    }
    return report;
}

void Worker::drain(Milliseconds within, Idle idle) {
    if (context_.draining()) {
        return;
    }
    context_.begin_drain();
    const auto& routing = context_.routing();
    const Milliseconds relays = routing == nullptr ? within : routing->snapshot().relay_drain;
    drain_until_ = loop_->now() + static_cast<io::Tick>(within.count());
    relays_until_ = loop_->now() + static_cast<io::Tick>(std::min(within, relays).count());
    loop_->wheel().set(housekeeping_, std::min(loop_->now() + house_every, relays_until_));
    for (const auto& door : doors_) {
        door->leaving = true;
        door->stop();
    }
    context_.for_each_session(
        [idle](Session& session) { idle == Idle::end ? session.end_soon() : session.end_politely(); });
}

void Worker::accept(base::Descriptor connection, const std::shared_ptr<ListenerState>& listener) {
    ++listener->accepted;
    if (context_.routing() == nullptr) {
        return;  // cannot happen: a listener comes with a snapshot
    }
    const int fd = connection.release();
    sessions_.start(listener->spec->mode == Mode::tcp ? serve_tcp(context_, fd, listener)
                                                      : serve_http(context_, fd, listener));
}

// Back-pressure: while all sessions are taken, new connections stay in the kernel's backlog.
void Worker::balance_acceptance() {
    if (context_.routing() == nullptr || context_.draining()) {
        return;
    }
    const std::uint32_t limit = context_.routing()->snapshot().limits.sessions;
    const bool room = accepting_ ? sessions_.size() < limit : sessions_.size() < limit - limit / 16;
    if (room == accepting_) {
        return;
    }
    accepting_ = room;
    for (const auto& door : doors_) {
        if (!door->leaving) {
            room ? door->start() : door->pause();
        }
    }
}

void Worker::keep_house() {
    io::Tick next = loop_->now() + house_every;
    if (const auto& routing = context_.routing()) {
        for (Pool& pool : routing->pools()) {
            for (const auto* backends : {&pool.backends(), &pool.former()}) {
                for (const auto& backend : *backends) {
                    backend->sweep(loop_->now());
                }
            }
        }
    }
    std::erase_if(doors_, [](const std::unique_ptr<Door>& door) { return door->leaving && door->idle(); });
    if (context_.draining()) {
        cut_late(next);
    }
    loop_->wheel().set(housekeeping_, next);
}

// next: the next time to call this; lowered to the next deadline.
void Worker::cut_late(io::Tick& next) {
    const io::Tick now = loop_->now();
    context_.for_each_session([&](Session& session) {
        if (now < (session.relaying ? relays_until_ : drain_until_)) {
            return;
        }
        if (!session.cut && session.upstream != nullptr) {
            ++(session.relaying ? cut_.relays : cut_.exchanges);
        }
        session.end_now();
    });
    for (const io::Tick deadline : {relays_until_, drain_until_}) {
        next = deadline > now ? std::min(next, deadline) : next;
    }
}

}  // namespace core::proxy

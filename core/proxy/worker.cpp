#include "core/proxy/worker.hpp"

#include <signal.h>

#include <algorithm>

#include "core/base/thread_name.hpp"
#include "core/base/verify.hpp"

namespace core::proxy {
namespace {

constexpr io::Tick house_every = 1000;
constexpr io::Tick date_every = 500;

// splice(2) into a connection that has ended raises SIGPIPE, and knows no MSG_NOSIGNAL. A blocked one stays pending
// with this thread and does nothing.
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
    : index_(index), options_(options), commons_(commons), log_(log), observer_(observer) {}

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
    mailbox_.attach(*loop_);
    loop_->wheel().set(housekeeping_, loop_->now() + house_every);
    started.set_value({});
    while (!done()) {
        loop_->run_once(house_every);
        balance_acceptance();
        if (!log_lines_.empty()) {
            log_.write(log_lines_);
            log_lines_.clear();
        }
    }
    wind_down();
}

void Worker::wind_down() {
    mailbox_.detach();
    loop_->wheel().clear(housekeeping_);
    routing_.reset();  // closes idle backend connections, while their loop still lives
    loop_->run_until([this] { return mailbox_.idle() && loop_->pending() == 0; });
    doors_.clear();
    if (!log_lines_.empty()) {
        log_.write(log_lines_);
    }
    loop_.reset();
}

bool Worker::done() const noexcept {
    // Doors too: one that is still being closed may take connections from its backlog.
    return draining_ && sessions_.empty() &&
           std::all_of(doors_.begin(), doors_.end(), [](const auto& door) { return door->idle(); });
}

void Worker::apply(SnapshotRef snapshot, std::vector<Listening> listeners, const Findings& findings,
                   io::Mailbox::Letter applied) {
    routing_ = std::make_shared<Routing>(std::move(snapshot), routing_.get(), commons_, loop_->now() * 31 + index_,
                                         findings, loop_->now());
    routing_->apply(administration_);
    routing_->settle(loop_->now());
    std::vector<std::unique_ptr<Door>> kept;
    for (Listening& listening : listeners) {
        const auto same = std::find_if(doors_.begin(), doors_.end(), [&](const std::unique_ptr<Door>& door) {
            return door != nullptr && !door->leaving && door->state->spec->address == listening.spec.address;
        });
        if (same != doors_.end()) {
            (*same)->state->spec = std::make_shared<const ListenerSpec>(std::move(listening.spec));
            kept.push_back(std::move(*same));
        } else if (!draining_) {
            kept.push_back(std::make_unique<Door>(*this, std::move(listening)));
            if (accepting_) {
                kept.back()->start();
            }
        }
    }
    for (std::unique_ptr<Door>& door : doors_) {
        if (door != nullptr) {
            door->leaving = true;
            kept.push_back(std::move(door));  // goes when the kernel has let go of it
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
    if (routing_ != nullptr) {
        routing_->apply(administration_);
        routing_->settle(loop_->now());
        for (Session* session = first_session_; session != nullptr; session = session->next_) {
            session->drop_fenced();
        }
    }
}

void Worker::set_health(const std::string& pool, const std::string& server, const Address& address, bool healthy) {
    if (routing_ != nullptr) {
        const auto backend = routing_->backend(pool, server);
        if (backend != nullptr && backend->spec().address == address) {
            backend->set_healthy(healthy, loop_->now());
            routing_->settle(loop_->now());
        }
    }
}

void Worker::count_failure(Backend& backend, const Address* visitor, std::string_view why) {
    if (!backend.count_failure(visitor, loop_->now())) {
        return;
    }
    routing_->settle(loop_->now());  // who waits for this backend waits in vain
    if (observer_ != nullptr) {
        observer_->on_failing(backend, why);
    }
}

std::string Worker::note_refusal(Refusal refusal, std::string_view bytes, const http::ParseResult& parsed) {
    describe(refusal, bytes, parsed);
    std::string printed = print(refusal);
    refusals_.add(std::move(refusal));
    return printed;
}

void Worker::note_refusal(Refusal refusal) {
    refusal.at = base::wall_now();
    refusals_.add(std::move(refusal));
}

void Worker::note_oddities(Backend& backend, http::Oddities oddities) {
    if (!oddities.any()) {
        return;
    }
    if (const http::Oddities told = backend.count_odd(oddities, loop_->now()); told.any() && observer_ != nullptr) {
        observer_->on_odd_answers(backend, told);
    }
}

void Worker::note_shortage(const Backend& backend, int error) {
    ++shortages_;
    const io::Tick now = loop_->now();
    if (observer_ != nullptr && (shortage_told_ == 0 || now - shortage_told_ >= 1000)) {
        shortage_told_ = now;
        observer_->on_shortage(backend, error);
    }
}

WorkerReport Worker::report() const {
    WorkerReport report;
    report.moved = moved_;
    report.shortages = shortages_;
    for (const auto& door : doors_) {
        if (!door->leaving) {
            const ListenerState& state = *door->state;
            report.listeners.push_back({state.spec->name, state.sessions, state.accepted, state.refused});
        }
    }
    if (routing_ != nullptr) {
        for (Pool& pool : routing_->pools()) {
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

std::string_view Worker::date() {
    if (date_made_ == 0 || loop_->now() - date_made_ >= date_every) {
        date_ = http::print_date(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
        date_made_ = loop_->now();
    }
    return http::view(date_);
}

bool Worker::refusal_worth_a_line() noexcept {
    const io::Tick now = loop_->now();
    if (refusal_logged_ != 0 && now - refusal_logged_ < 1000) {
        return false;
    }
    refusal_logged_ = now;
    return true;
}

void Worker::drain(Milliseconds within, Idle idle) {
    if (draining_) {
        return;
    }
    draining_ = true;
    const Milliseconds relays = routing_ == nullptr ? within : routing_->snapshot().relay_drain;
    drain_until_ = loop_->now() + static_cast<io::Tick>(within.count());
    relays_until_ = loop_->now() + static_cast<io::Tick>(std::min(within, relays).count());
    loop_->wheel().set(housekeeping_, std::min(loop_->now() + house_every, relays_until_));
    for (const auto& door : doors_) {
        door->leaving = true;
        door->stop();
    }
    for (Session* session = first_session_; session != nullptr; session = session->next_) {
        idle == Idle::end ? session->end_soon() : session->end_politely();
    }
}

void Worker::accept(base::Descriptor connection, const std::shared_ptr<ListenerState>& listener) {
    ++listener->accepted;
    if (routing_ == nullptr) {
        return;  // cannot be: a listener comes with a snapshot
    }
    const int fd = connection.release();
    sessions_.start(listener->spec->mode == Mode::tcp ? serve_tcp(*this, fd, listener)
                                                      : serve_http(*this, fd, listener));
}

// Back-pressure: with all sessions taken, newcomers stay in the kernel's backlog until some have ended.
void Worker::balance_acceptance() {
    if (routing_ == nullptr || draining_) {
        return;
    }
    const std::uint32_t limit = routing_->snapshot().limits.sessions;
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

void Worker::enlist(Session& session) noexcept {
    session.next_ = first_session_;
    session.link_ = &first_session_;
    if (first_session_ != nullptr) {
        first_session_->link_ = &session.next_;
    }
    first_session_ = &session;
    ++session.listener->sessions;
}

void Worker::delist(Session& session) noexcept {
    *session.link_ = session.next_;
    if (session.next_ != nullptr) {
        session.next_->link_ = session.link_;
    }
    --session.listener->sessions;
}

void Worker::keep_house() {
    io::Tick next = loop_->now() + house_every;
    if (routing_ != nullptr) {
        for (Pool& pool : routing_->pools()) {
            for (const auto* backends : {&pool.backends(), &pool.former()}) {
                for (const auto& backend : *backends) {
                    backend->sweep(loop_->now());
                }
            }
        }
    }
    std::erase_if(doors_, [](const std::unique_ptr<Door>& door) { return door->leaving && door->idle(); });
    if (draining_) {
        cut_late(next);
    }
    loop_->wheel().set(housekeeping_, next);
}

// next: when to look again; brought forward to the next deadline.
void Worker::cut_late(io::Tick& next) {
    const io::Tick now = loop_->now();
    for (Session* session = first_session_; session != nullptr; session = session->next_) {
        if (now < (session->relaying ? relays_until_ : drain_until_)) {
            continue;
        }
        if (!session->cut && session->upstream != nullptr) {
            ++(session->relaying ? cut_.relays : cut_.exchanges);
        }
        session->end_now();
    }
    for (const io::Tick deadline : {relays_until_, drain_until_}) {
        next = deadline > now ? std::min(next, deadline) : next;
    }
}

}  // namespace core::proxy

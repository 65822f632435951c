#include "core/health/monitor.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <future>

#include "core/base/thread_name.hpp"
#include "core/base/verify.hpp"
#include "core/health/probe.hpp"
#include "core/io/operation.hpp"
#include "core/net/socket.hpp"

namespace core::health {
namespace {

// How long verdicts of a removed or replaced check count, in milliseconds, and how many are kept. A change that
// is rolled back is so within an hour of its start.
constexpr io::Tick remember_for = 60'000;
constexpr io::Tick remember_replaced_for = 3'700'000;
constexpr std::size_t remember_max = 4'096;

int family_of(const base::Descriptor& socket) {
    int family = 0;
    socklen_t size = sizeof family;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_DOMAIN, &family, &size);
    return family;
}

}  // namespace

// The checks of one target: probe, count, sleep, repeat. Ends after leave(), when the running probe has ended.
class Monitor::Watch {
public:
    Watch(Monitor& monitor, Target target, base::Descriptor socket, Tally tally)
        : monitor_(monitor), target_(std::move(target)), socket_(std::move(socket)), tally_(std::move(tally)) {}

    [[nodiscard]] const Target& target() const { return target_; }
    [[nodiscard]] const Tally& tally() const { return tally_; }
    // The running probe reads check and address, which do not change.
    void rename(const Target& target) {
        target_.pool = target.pool;
        target_.server = target.server;
        target_.answers = target.answers;
    }

    static io::Task<void> run(const std::shared_ptr<Watch>& shared) {
        const std::shared_ptr<Watch> self = shared;  // a reload may drop the list's reference while a probe is out
        while (!self->leaving_) {
            const io::Tick begun = io::steady_now();
            self->stale_ = false;
            co_await self->check(begun);
            if (self->leaving_) {
                break;
            }
            if (self->stale_) {
                continue;  // it began before the fence was lifted; only a later check counts
            }
            const auto pause = static_cast<io::Tick>(self->target_.check.interval.count());
            co_await io::Sleep(*self->monitor_.loop_, self->slot_,
                               std::max(begun + pause, self->monitor_.loop_->now() + 1));
        }
    }

    // Ends the running probe: its timeout may be an hour.
    void leave() {
        leaving_ = true;
        wake();
    }
    void recheck(std::string why) {
        tally_.reset(std::move(why), base::wall_now());
        monitor_.observer_.on_health(standing());
        stale_ = true;
        wake();
    }
    // A probe that is running may have seen the server before it failed: its verdict does not count.
    void fail(std::string why) {
        if (tally_.fail(std::move(why), base::wall_now())) {
            stale_ = true;
            monitor_.observer_.on_health(standing());
        }
    }
    [[nodiscard]] Standing standing() const {
        return {target_.pool,   target_.server, target_.address, tally_.health(), tally_.why(),
                tally_.since(), last_,          tally_.passed(), tally_.failed(), tally_.carried()};
    }

private:
    // One probe, on a plain socket where there were too few marked ones. Without any socket no probe is sent, and the
    // next check tries again. The verdict counts before the connection has ended.
    io::Task<void> check(io::Tick begun) {
        Verdict verdict;
        if (!prepare(verdict)) {
            count(verdict, 0);
            co_return;
        }
        net::Socket borrowed(*monitor_.loop_, base::Descriptor(socket_.get()));
        {
            probing_ = &borrowed;
            Probe probe(borrowed, target_.check, target_.address, target_.answers);
            co_await probe.ask(verdict);
            if (!leaving_ && !stale_) {
                count(verdict, io::steady_now() - begun);
            }
            co_await probe.end();
            probing_ = nullptr;
        }
        static_cast<void>(borrowed.release().release());  // socket_ owns it
    }
    bool prepare(Verdict& verdict) {
        if (!socket_.valid()) {
            auto plain = net::open_socket(target_.address.family());
            if (!plain) {
                verdict = {false, plain.error().line(), !net::is_shortage(plain.error().os_error)};
                return false;
            }
            socket_ = std::move(*plain);
        }
        const Address* const source = net::source_of(target_.check.sources, target_.address.family(), source_turn_++);
        if (source != nullptr && net::bind_source(socket_.get(), *source) < 0) {
            verdict = {false, source->host() + " is no address of this machine", false};
            return false;
        }
        return true;
    }
    void wake() {
        if (probing_ != nullptr) {
            probing_->abort();
        }
        if (slot_.current != nullptr) {
            slot_.current->cancel();
        }
    }
    void count(const Verdict& verdict, io::Tick took) {
        if (!verdict.made) {
            tally_.miss("not checked: " + verdict.why);
            monitor_.observer_.on_shortage(standing(), verdict.why);
            return;
        }
        last_ = Milliseconds(took);
        if (tally_.count(verdict, target_.check, base::wall_now())) {
            monitor_.observer_.on_health(standing());
        }
    }

    Monitor& monitor_;
    Target target_;
    base::Descriptor socket_;
    net::Socket* probing_ = nullptr;  // while a probe runs
    io::OperationSlot slot_;
    std::size_t source_turn_ = 0;
    Tally tally_;
    Milliseconds last_{0};
    bool leaving_ = false;
    bool stale_ = false;
};

Monitor::Monitor(Observer& observer) : observer_(observer) {}

Monitor::~Monitor() {
    if (thread_.joinable()) {
        mailbox_.post([this] {
            ending_ = true;
            for (const auto& watch : watches_) {
                watch->leave();
            }
        });
        thread_.join();
    }
}

Result<void> Monitor::start() {
    std::promise<Result<void>> started;
    auto ready = started.get_future();
    thread_ = std::thread([this, promise = std::move(started)]() mutable { run(promise); });
    Result<void> outcome = ready.get();
    if (!outcome) {
        thread_.join();
    }
    return outcome;
}

void Monitor::run(std::promise<Result<void>>& started) {
    base::name_thread("monitor");
    auto loop = io::Loop::create({.entries = 256, .completions = 4096, .buffers = {.count = 256, .size = 4096}});
    if (!loop) {
        started.set_value(tl::unexpected(loop.error()));
        return;
    }
    loop_ = std::move(*loop);
    mailbox_.attach(*loop_);
    started.set_value({});
    loop_->run_until([this] { return ending_ && tasks_.empty(); });
    mailbox_.detach();
    loop_->run_until([this] { return mailbox_.idle() && loop_->pending() == 0; });
    watches_.clear();
    loop_.reset();
}

template <typename Order>
void Monitor::on_thread(Order order) {
    std::promise<void> done;
    auto ready = done.get_future();
    auto shared = std::make_shared<std::promise<void>>(std::move(done));
    mailbox_.post([&order, shared] {
        order();
        shared->set_value();
    });
    ready.wait();
}

void Monitor::apply(std::vector<Target> targets, std::vector<base::Descriptor> sockets, Recall recall) {
    on_thread([&] { replace(std::move(targets), std::move(sockets), recall); });
}

std::vector<Health> Monitor::forecast(const std::vector<Target>& targets, Recall recall) {
    std::vector<Health> health;
    on_thread([&] {
        for (const Start& start : plan(targets, recall)) {
            health.push_back(start.tally.health());
        }
    });
    return health;
}

std::vector<Monitor::Start> Monitor::plan(const std::vector<Target>& targets, Recall recall) const {
    using Kind = Inheritance::Kind;
    std::vector<Target> before;
    for (const auto& watch : watches_) {
        before.push_back(watch->target());
    }
    std::vector<Start> starts;
    const std::vector<Inheritance> inheritances = inherit(before, targets);
    for (std::size_t at = 0; at < targets.size(); ++at) {
        Start start{inheritances[at], {}};
        const Kind kind = start.inheritance.kind;
        const bool anew = kind == Kind::none || (kind == Kind::carried && recall == Recall::replaced);
        if (const Retired* const known = anew ? remembered(targets[at], recall) : nullptr; known != nullptr) {
            start = {{}, known->tally};
        } else if (kind != Kind::none) {
            start.tally = watches_[start.inheritance.from]->tally();
        }
        if (start.inheritance.kind == Kind::carried) {
            start.tally.carry();
        }
        starts.push_back(std::move(start));
    }
    return starts;
}

void Monitor::replace(std::vector<Target> targets, std::vector<base::Descriptor> sockets, Recall recall) {
    using Kind = Inheritance::Kind;
    sockets_ = std::move(sockets);
    std::vector<Start> starts = plan(targets, recall);
    std::vector<std::shared_ptr<Watch>> kept;
    for (std::size_t at = 0; at < targets.size(); ++at) {
        const auto [kind, from] = starts[at].inheritance;
        if (kind == Kind::kept || kind == Kind::moved) {
            kept.push_back(std::move(watches_[from]));
            kept.back()->rename(targets[at]);
        } else {
            const int family = targets[at].address.family();
            kept.push_back(std::make_shared<Watch>(*this, std::move(targets[at]), take_socket(family),
                                                   std::move(starts[at].tally)));
            tasks_.start(Watch::run(kept.back()));
        }
        if (kind != Kind::kept && kept.back()->tally().health() != Health::unknown) {
            observer_.on_inherited(kept.back()->standing());
        }
    }
    for (const auto& watch : watches_) {
        if (watch != nullptr) {
            retire(*watch);
            watch->leave();
        }
    }
    watches_ = std::move(kept);
    sockets_.clear();
}

const Monitor::Retired* Monitor::remembered(const Target& target, Recall recall) const {
    const io::Tick now = io::steady_now();
    const io::Tick most = recall == Recall::replaced ? remember_replaced_for : remember_for;
    const auto found = std::find_if(retired_.rbegin(), retired_.rend(), [&](const Retired& each) {
        return each.target.address == target.address && each.target.check == target.check && now - each.at < most;
    });
    return found == retired_.rend() ? nullptr : &*found;
}

void Monitor::retire(const Watch& watch) {
    const io::Tick now = io::steady_now();
    std::erase_if(retired_, [now](const Retired& each) { return now - each.at >= remember_replaced_for; });
    if (retired_.size() >= remember_max) {
        retired_.erase(retired_.begin());
    }
    if (watch.tally().health() != Health::unknown) {
        retired_.push_back({watch.target(), watch.tally(), now});
    }
}

// A fence was lifted, or visitors' exchanges failed: earlier verdicts do not count again.
void Monitor::forget(const Address& address) {
    std::erase_if(retired_, [&](const Retired& each) { return each.target.address == address; });
}

base::Descriptor Monitor::take_socket(int family) {
    const auto found = std::find_if(sockets_.begin(), sockets_.end(), [family](const base::Descriptor& socket) {
        return socket.valid() && family_of(socket) == family;
    });
    if (found != sockets_.end()) {
        return std::move(*found);
    }
    return {};
}

void Monitor::recheck(const std::string& pool, const std::string& server, std::string why) {
    on_thread([&] {
        for (const auto& watch : watches_) {
            if (watch->target().pool == pool && watch->target().server == server) {
                forget(watch->target().address);
                watch->recheck(why);
            }
        }
    });
}

void Monitor::fail(const std::string& pool, const std::string& server, const Address& address, std::string why) {
    mailbox_.post([this, pool, server, address, why = std::move(why)] {
        for (const auto& watch : watches_) {
            const Target& target = watch->target();
            if (target.pool == pool && target.server == server && target.address == address) {
                forget(address);
                watch->fail(why);
            }
        }
    });
}

std::vector<Standing> Monitor::standings() {
    std::vector<Standing> standings;
    on_thread([&] {
        for (const auto& watch : watches_) {
            standings.push_back(watch->standing());
        }
    });
    return standings;
}

}  // namespace core::health

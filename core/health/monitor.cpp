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

int family_of(const base::Descriptor& socket) {
    int family = 0;
    socklen_t size = sizeof family;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_DOMAIN, &family, &size);
    return family;
}

}  // namespace

// The checks of one target: probe, count, sleep, again. Ends after leave(), when the probe that is out has ended.
class Monitor::Watch {
public:
    Watch(Monitor& monitor, Target target, base::Descriptor socket)
        : monitor_(monitor), target_(std::move(target)), socket_(std::move(socket)) {}

    [[nodiscard]] const Target& target() const { return target_; }
    [[nodiscard]] bool same(const Target& other) const {
        return target_.pool == other.pool && target_.server == other.server && target_.address == other.address &&
               target_.check == other.check;
    }

    static io::Task<void> run(const std::shared_ptr<Watch>& shared) {
        const std::shared_ptr<Watch> self = shared;  // a reload may drop the list's reference while a probe is out
        while (!self->leaving_) {
            Verdict verdict;
            const io::Tick begun = io::steady_now();
            self->stale_ = false;
            co_await self->ask(verdict);
            if (self->leaving_) {
                break;
            }
            if (self->stale_) {
                continue;  // it began before the fence was lifted; only a check from after that counts
            }
            self->count(verdict, io::steady_now() - begun);
            const auto pause = static_cast<io::Tick>(self->target_.check.interval.count());
            co_await io::Sleep(*self->monitor_.loop_, self->slot_,
                               std::max(begun + pause, self->monitor_.loop_->now() + 1));
        }
    }

    // The probe that is out is of no use any more: its timeout may be an hour.
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
    // The probe that is out may have seen a time when all was well; it does not count.
    void fail(std::string why) {
        if (tally_.fail(std::move(why), base::wall_now())) {
            stale_ = true;
            monitor_.observer_.on_health(standing());
        }
    }
    [[nodiscard]] Standing standing() const {
        return {target_.pool,   target_.server, target_.address, tally_.health(), tally_.why(),
                tally_.since(), last_,          tally_.passed(), tally_.failed()};
    }

private:
    // One probe, on a socket of our own where the marked ones did not suffice. Without any socket that is the verdict,
    // and the next check tries again.
    io::Task<void> ask(Verdict& verdict) {
        if (!socket_.valid()) {
            auto plain = net::open_socket(target_.address.family());
            if (!plain) {
                verdict = {false, plain.error().line()};
                co_return;
            }
            socket_ = std::move(*plain);
        }
        net::Socket borrowed(*monitor_.loop_, base::Descriptor(socket_.get()));
        probing_ = &borrowed;
        co_await probe(borrowed, target_.check, target_.address, verdict);
        probing_ = nullptr;
        static_cast<void>(borrowed.release().release());  // socket_ owns it
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
        last_ = Milliseconds(took);
        if (tally_.count(verdict, target_.check, base::wall_now())) {
            monitor_.observer_.on_health(standing());
        }
    }

    Monitor& monitor_;
    Target target_;
    base::Descriptor socket_;
    net::Socket* probing_ = nullptr;  // while a probe is out
    io::OperationSlot slot_;
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

void Monitor::apply(std::vector<Target> targets, std::vector<base::Descriptor> sockets) {
    on_thread([&] { replace(std::move(targets), std::move(sockets)); });
}

void Monitor::replace(std::vector<Target> targets, std::vector<base::Descriptor> sockets) {
    sockets_ = std::move(sockets);
    std::vector<std::shared_ptr<Watch>> kept;
    for (Target& target : targets) {
        const auto same = std::find_if(watches_.begin(), watches_.end(),
                                       [&](const auto& watch) { return watch && watch->same(target); });
        if (same != watches_.end()) {
            kept.push_back(std::move(*same));
            continue;
        }
        const int family = target.address.family();
        kept.push_back(std::make_shared<Watch>(*this, std::move(target), take_socket(family)));
        tasks_.start(Watch::run(kept.back()));
    }
    for (const auto& watch : watches_) {
        if (watch != nullptr) {
            watch->leave();
        }
    }
    watches_ = std::move(kept);
    sockets_.clear();
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

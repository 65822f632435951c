#include "appliance/control/link/helper_link.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "core/base/clock.hpp"

namespace appliance::control {

HelperLink::HelperLink(std::function<void()> on_notice, std::function<void(const std::string&)> on_foreign)
    : on_notice_(std::move(on_notice)), on_foreign_(std::move(on_foreign)), watcher_([this] { watch(); }) {}

HelperLink::~HelperLink() {
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        if (watched_.valid()) {
            ::shutdown(watched_.get(), SHUT_RDWR);
        }
        attached_.notify_all();
    }
    watcher_.join();
}

// Waits for notices that come between requests. A reply wakes it too; the thread of the request holds the lock until it
// has read the reply.
void HelperLink::watch() {
    std::unique_lock lock(mutex_);
    for (;;) {
        attached_.wait(lock, [this] { return ended_ || fresh_.valid() || watched_.valid(); });
        if (fresh_.valid()) {
            watched_ = std::move(fresh_);
        }
        if (ended_) {
            return;
        }
        pollfd waited{watched_.get(), POLLIN, 0};
        lock.unlock();
        ::poll(&waited, 1, -1);
        lock.lock();
        // Whatever ends the link: attach() brings the next one.
        const auto collected = client_ && (waited.revents & POLLIN) != 0
                                   ? client_->collect()
                                   : core::Result<void>(core::fail_os("cannot hear the fence process", EPIPE));
        if (collected) {
            gather();
            continue;
        }
        watched_.reset();
        if (collected.error().os_error == netfilter::HelperClient::foreign_error) {
            give_up(collected.error());
        }
    }
}

void HelperLink::give_up(const core::Error& foreign) {
    client_.reset();
    since_ = core::base::wall_now();
    on_foreign_(foreign.line());
}

void HelperLink::gather() {
    const auto more = client_->take_notices();
    if (!more.empty()) {
        notices_.insert(notices_.end(), more.begin(), more.end());
        on_notice_();
    }
}

std::vector<netfilter::Notice> HelperLink::take_notices() {
    const std::lock_guard lock(mutex_);
    return std::exchange(notices_, {});
}

void HelperLink::attach(core::base::Descriptor link) {
    const std::lock_guard lock(mutex_);
    if (watched_.valid()) {
        ::shutdown(watched_.get(), SHUT_RDWR);  // the old link; its peer is gone, or has to go
    }
    fresh_.reset(::fcntl(link.get(), F_DUPFD_CLOEXEC, 0));
    client_.emplace(std::move(link), answer_max);
    since_ = core::base::wall_now();
    attached_.notify_all();
}

void HelperLink::detach() {
    const std::lock_guard lock(mutex_);
    if (client_) {
        since_ = core::base::wall_now();
    }
    client_.reset();
}

bool HelperLink::attached() const {
    const std::lock_guard lock(mutex_);
    return client_.has_value();
}

core::WallTime HelperLink::since() const {
    const std::lock_guard lock(mutex_);
    return since_;
}

// The calls are idempotent, so one that met a dying helper is made again with the next one.
template <typename Call>
auto HelperLink::with_client(Call call) -> decltype(call(std::declval<netfilter::HelperClient&>())) {
    const auto deadline = core::BootClock::now() + restart_wait;
    std::unique_lock lock(mutex_);
    while (core::base::wait_for(attached_, lock, deadline - core::BootClock::now(),
                                [this] { return client_.has_value(); })) {
        auto result = call(*client_);
        gather();
        if (!result && result.error().os_error == netfilter::HelperClient::foreign_error) {
            give_up(result.error());
            return result;
        }
        if (result || result.error().os_error != EPIPE) {
            return result;
        }
        client_.reset();
        since_ = core::base::wall_now();
    }
    return core::fail_os("cannot reach the fence process", EPIPE, "it is being restarted; try again");
}

core::Result<void> HelperLink::apply(std::span<const netfilter::Change> changes) {
    return with_client([this, changes](netfilter::HelperClient& client) { return client.apply(changes, clock_); });
}

core::Result<std::vector<netfilter::Fence>> HelperLink::list() {
    return with_client([this](netfilter::HelperClient& client) { return client.list(clock_); });
}

core::Result<netfilter::Reaped> HelperLink::reap(std::span<const netfilter::Destination> destinations) {
    return with_client([destinations](netfilter::HelperClient& client) { return client.reap(destinations); });
}

core::Result<bool> HelperLink::put_firewall(const netfilter::HostRules& rules) {
    return with_client([&rules](netfilter::HelperClient& client) { return client.put_firewall(rules); });
}

core::Result<bool> HelperLink::remove_firewall() {
    return with_client([](netfilter::HelperClient& client) { return client.remove_firewall(); });
}

core::Result<std::optional<netfilter::HostDrops>> HelperLink::firewall_drops() {
    return with_client([](netfilter::HelperClient& client) { return client.firewall_drops(); });
}

core::Result<netfilter::RedirectState> HelperLink::put_redirects(std::span<const netfilter::Redirect> redirects,
                                                                 netfilter::Forward forward) {
    return with_client(
        [redirects, forward](netfilter::HelperClient& client) { return client.put_redirects(redirects, forward); });
}

core::Result<std::uint64_t> HelperLink::count_redirected(const core::Address& backend) {
    return with_client([&backend](netfilter::HelperClient& client) { return client.count_redirected({backend}); });
}

core::Result<std::string> HelperLink::capabilities() {
    return with_client([](netfilter::HelperClient& client) { return client.capabilities(); });
}

core::Result<std::string> HelperLink::rules_text() {
    return with_client([](netfilter::HelperClient& client) { return client.rules_text(); });
}

}  // namespace appliance::control

#include "netfilter/agent/watch.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "netfilter/fence/fence_table.hpp"
#include "netfilter/redirect/redirect_table.hpp"

namespace netfilter {

core::Result<void> Watch::begin() {
    const auto port = manager_.port();
    if (!port) {
        return {};
    }
    auto monitor = Monitor::open(fence_table_name, *port);
    if (!monitor) {
        return tl::unexpected(std::move(monitor.error()));
    }
    auto redirects = Monitor::open(redirect_table_name, *port, redirect_step);
    if (!redirects) {
        return tl::unexpected(std::move(redirects.error()));
    }
    monitor_.emplace(std::move(*monitor));
    redirect_monitor_.emplace(std::move(*redirects));
    // Changes between the manager's construction and now were not announced to us.
    mend({});
    if (!untold_->repaired.any() && untold_->trouble.empty()) {
        untold_.reset();
    }
    return {};
}

core::Result<void> Watch::wait() {
    for (;;) {
        const auto now = Monitor::Clock::now();
        if (monitor_) {
            if (const auto change = monitor_->take(now)) {
                mend(*change);
            }
            if (redirect_monitor_->take(now)) {
                mend_redirects();
            }
        }
        tell();
        const auto wanted = static_cast<short>(untold_ ? POLLIN | POLLOUT : POLLIN);
        std::array<pollfd, 3> waited{pollfd{link_, wanted, 0},
                                     pollfd{monitor_ ? monitor_->descriptor() : -1, POLLIN, 0},
                                     pollfd{redirect_monitor_ ? redirect_monitor_->descriptor() : -1, POLLIN, 0}};
        if (poll(waited.data(), waited.size(), patience(now)) < 0 && errno != EINTR) {
            return core::fail_os("cannot wait for requests for fences", errno);
        }
        if (waited[1].revents != 0) {
            monitor_->read(Monitor::Clock::now());
        }
        if (waited[2].revents != 0) {
            redirect_monitor_->read(Monitor::Clock::now());
        }
        // Any event but POLLOUT: a request, or the end, which the reader will see.
        if ((waited[0].revents & ~POLLOUT) != 0) {
            return {};
        }
    }
}

int Watch::patience(Monitor::Clock::time_point now) const {
    if (!monitor_) {
        return -1;
    }
    const auto next = std::min(monitor_->next(), redirect_monitor_->next());
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now).count();
    return static_cast<int>(std::max<std::int64_t>(left, 0));
}

// While the table is missing, nothing guards what the kernel forwards. An error here appears again in control's next
// put.
void Watch::mend_redirects() {
    static_cast<void>(desk_.repair());
}

// Repairs at once, without waiting for control's request: while the table is missing, fences are open.
void Watch::mend(const ForeignChange& change) {
    const auto repaired = manager_.repair();
    if (!untold_) {
        untold_ = Notice{change.process, change.pid, change.generation, {}, {}};
    }
    if (repaired) {
        add(untold_->repaired, *repaired);
    }
    untold_->trouble = repaired ? std::string() : repaired.error().line();
}

// Does not block: control may be waiting for us.
void Watch::tell() {
    if (!untold_) {
        return;
    }
    const auto packet = wire::pack(*untold_);
    if (send(link_, &packet, sizeof packet, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 || errno == EPIPE) {
        untold_.reset();
    }
}

}  // namespace netfilter

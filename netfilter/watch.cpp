#include "netfilter/watch.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "netfilter/fence_table.hpp"

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
    monitor_.emplace(std::move(*monitor));
    // What happened between the manager's making and now has not been announced to us.
    mend({});
    if (!untold_->repaired.any() && untold_->trouble.empty()) {
        untold_.reset();
    }
    return {};
}

core::Result<void> Watch::wait() {
    for (;;) {
        const auto now = Monitor::Clock::now();
        int patience = -1;
        if (monitor_) {
            if (const auto change = monitor_->take(now)) {
                mend(*change);
            }
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(monitor_->next() - now).count();
            patience = static_cast<int>(std::max<std::int64_t>(left, 0));
        }
        tell();
        const auto wanted = static_cast<short>(untold_ ? POLLIN | POLLOUT : POLLIN);
        std::array<pollfd, 2> waited{pollfd{link_, wanted, 0},
                                     pollfd{monitor_ ? monitor_->descriptor() : -1, POLLIN, 0}};
        if (poll(waited.data(), waited.size(), patience) < 0 && errno != EINTR) {
            return core::fail_os("cannot wait for requests for fences", errno);
        }
        if (waited[1].revents != 0) {
            monitor_->read(Monitor::Clock::now());
        }
        // Anything but room to write: a request, or the end, which the reader will see.
        if ((waited[0].revents & ~POLLOUT) != 0) {
            return {};
        }
    }
}

// At once, and not when control asks for it: while the table is away, fences are open.
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

// Never blocks: control may be waiting for us just now.
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

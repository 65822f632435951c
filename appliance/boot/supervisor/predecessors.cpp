#include "appliance/boot/supervisor/predecessors.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/boot/process/spawn.hpp"
#include "appliance/link/channel.hpp"
#include "appliance/link/event.hpp"

namespace appliance::boot {

void Predecessors::retire(pid_t pid, core::base::Descriptor link, core::Milliseconds drain) {
    link::Channel channel(std::move(link));
    const auto told = channel.send({{"type", "drain"}, {"id", 0}, {"deadline_ms", drain.count()}, {"idle", "stay"}});
    if (!told) {
        ::kill(pid, SIGKILL);
    }
    all_.push_back({pid, channel.release(), Clock::now() + drain + grace});
}

void Predecessors::adopt(const Handover::Proxy& proxy) {
    all_.push_back({proxy.pid, core::base::Descriptor(proxy.link), proxy.end_by.value_or(Clock::now())});
}

void Predecessors::reap() {
    std::erase_if(all_, [this](const One& one) {
        int status = 0;
        if (::waitpid(one.pid, &status, WNOHANG) != one.pid) {
            return false;
        }
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            log_.write(link::event_line("process_exit",
                                        {{"process", "proxy"}, {"pid", one.pid}, {"why", describe_exit(status)}}));
        }
        return true;
    });
}

void Predecessors::end_late() {
    for (const One& one : all_) {
        if (Clock::now() >= one.end_by) {
            ::kill(one.pid, SIGKILL);
        }
    }
}

void Predecessors::kill_all() noexcept {
    for (const One& one : std::exchange(all_, {})) {
        ::kill(one.pid, SIGKILL);
        ::waitpid(one.pid, nullptr, 0);
    }
}

std::optional<Predecessors::Clock::time_point> Predecessors::next_due() const noexcept {
    const auto first =
        std::min_element(all_.begin(), all_.end(), [](const One& a, const One& b) { return a.end_by < b.end_by; });
    return first == all_.end() ? std::nullopt : std::optional(first->end_by);
}

std::vector<Handover::Proxy> Predecessors::list() const {
    std::vector<Handover::Proxy> proxies;
    for (const One& one : all_) {
        proxies.push_back({one.pid, one.link.get(), one.end_by});
    }
    return proxies;
}

}  // namespace appliance::boot

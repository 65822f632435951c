// SupervisorLink: control's side of the conversation with the supervisor. A thread of its own reads, because events
// come at any time while another thread waits for an answer.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "appliance/link/channel.hpp"
#include "appliance/link/notice.hpp"
#include "core/base/address.hpp"
#include "core/base/clock.hpp"
#include "core/base/descriptor.hpp"
#include "core/base/result.hpp"

namespace appliance::control {

class SupervisorLink {
public:
    using Clock = core::BootClock;

    explicit SupervisorLink(core::base::Descriptor socket);
    SupervisorLink(const SupervisorLink&) = delete;
    SupervisorLink& operator=(const SupervisorLink&) = delete;
    ~SupervisorLink();

    // The next thing that the supervisor tells by itself; nothing when none came before the deadline, or at the
    // supervisor's end (ended()).
    std::optional<link::Notice> next_event(Clock::time_point deadline);
    [[nodiscard]] bool ended() const;
    // Lets a waiting next_event return, or the next one. Any thread.
    void wake();

    // Duplicates of count listening sockets, which the supervisor keeps too. Errors: as the supervisor says them.
    core::Result<std::vector<core::base::Descriptor>> open_listeners(const core::Address& address, std::size_t count);
    core::Result<void> close_listeners(const core::Address& address);
    // family: "v4" or "v6". TCP sockets with the probes' mark.
    core::Result<std::vector<core::base::Descriptor>> open_probe_sockets(std::string_view family, std::size_t count);
    // Whether a process is, or was until lately, one of the daemon's own. Error: no answer.
    core::Result<bool> is_child(pid_t pid);
    // Has a child ended that sent what none would; it is started again. No answer is waited for.
    void end_child(link::Process process, const std::string& why);
    // The first configuration has reached the proxy.
    core::Result<void> ready();
    // Has the program that lies at the daemon's path tried: {"number", "from", "to", "proxy"} of the upgrade, or why it
    // will not do. upgrade() becomes it; that returns only where it failed, because this process ends with its success.
    core::Result<nlohmann::json> check_upgrade(const std::string& who, const std::string& why);
    core::Result<void> upgrade();

private:
    // The supervisor answers from memory; its restart is our end.
    static constexpr std::chrono::seconds answer_max{10};

    void read();
    // Error: the supervisor would never send that.
    core::Result<void> take(link::Message message);
    core::Result<link::Message> ask(nlohmann::json request, std::chrono::seconds patience = answer_max);

    link::Channel channel_;
    mutable std::mutex mutex_;
    std::mutex sending_;
    std::condition_variable changed_;
    std::deque<link::Notice> events_;
    std::map<std::uint64_t, std::optional<link::Message>> answers_;  // by id; those awaited
    std::uint64_t next_id_ = 0;
    bool ended_ = false;
    bool woken_ = false;
    std::thread reader_;
};

}  // namespace appliance::control

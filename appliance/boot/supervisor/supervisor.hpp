// Supervisor: the small privileged process behind `gatehouse run`. Starts control, proxy and fence, and starts them
// again when they die. Holds what must outlive each of them: the listening sockets, the control socket, and the links
// between them. Reads the configuration at its start, and again when a child asks for an address that it does not know.
// Decodes the requests of control (appliance/link/request).
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>

#include "appliance/boot/confine/role.hpp"
#include "appliance/boot/process/backoff.hpp"
#include "appliance/boot/process/signals.hpp"
#include "appliance/boot/supervisor/bounds.hpp"
#include "appliance/boot/supervisor/first_start.hpp"
#include "appliance/boot/supervisor/handover.hpp"
#include "appliance/boot/supervisor/listeners.hpp"
#include "appliance/boot/supervisor/predecessors.hpp"
#include "appliance/boot/supervisor/redirect_inquiry.hpp"
#include "appliance/boot/supervisor/rehearsal.hpp"
#include "appliance/config/model/config.hpp"
#include "appliance/link/channel.hpp"
#include "appliance/link/first_words.hpp"
#include "appliance/link/request.hpp"
#include "core/base/descriptor.hpp"
#include "core/base/log.hpp"

namespace appliance::boot {

// What stays the same over upgrades in this process.
struct Origin {
    std::string program;           // the path it was started from, where upgrades are looked for
    core::base::Descriptor claim;  // on the fences of this network namespace
};

class Supervisor {
public:
    // Children are given the account's identity. Events go to log, which outlives the supervisor.
    Supervisor(const config::Config& config, Account account, core::base::Log& log, Origin origin);
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;
    // Kills children that still live.
    ~Supervisor();

    // Opens every socket, before the first child starts. Waits up to two seconds for an address in use: the kernel may
    // not have released it yet from a killed proxy. Expects block_signals(). Error: one of them cannot be opened;
    // nothing is left behind.
    core::Result<void> open();
    // Instead of open(): takes over from the previous program of this process. The previous proxy serves until ours
    // does. Where ours never does, run() executes the previous program again. Error: no descriptors.
    core::Result<void> resume(const Handover& from);
    // Runs until a signal says stop, then drains. Returns the exit code. 0: an orderly end. 1: a second signal cut it
    // short, or the processes could not start (FirstStart). 2: control could not read the configuration that this
    // process could. Signals: docs/reference/signals.md.
    int run();

private:
    using Clock = std::chrono::steady_clock;

    struct Child {
        Role role = Role::control;
        pid_t pid = 0;  // 0: not running
        Backoff backoff;
        std::optional<Clock::time_point> start_at;
        // Proxy, fence: control's end of the link, kept for the control process after the present one.
        core::base::Descriptor near;
        link::FirstWords words;
    };
    enum class Phase { running, draining, ended };

    // Tries until the deadline while another process has the address.
    core::Result<void> listen(const core::Address& address, std::size_t count, Clock::time_point deadline);
    void prepare_state();

    // The loop.
    void wait();
    void take_signals();
    void take_requests();
    void take_inquiries();
    struct Answer {
        std::uint64_t id = 0;
        bool later = false;  // the answer is sent later
        nlohmann::json body{{"type", "done"}};
        std::vector<int> fds{};
        std::vector<core::base::Descriptor> owned{};  // of these, the ones that are not kept
    };
    void answer(const link::Request& request);
    core::Result<void> carry_out(const link::Ready& request, Answer& answer);
    core::Result<void> carry_out(const link::CheckUpgrade& request, Answer& answer);
    core::Result<void> carry_out(const link::BeginUpgrade& request, Answer& answer);
    core::Result<void> carry_out(const link::OpenListeners& request, Answer& answer);
    core::Result<void> carry_out(const link::CloseListeners& request, Answer& answer);
    core::Result<void> carry_out(const link::OpenProbeSockets& request, Answer& answer);
    core::Result<void> carry_out(const link::IsChild& request, Answer& answer);
    core::Result<void> carry_out(const link::EndChild& request, Answer& answer);

    // Children.
    Child& child(Role role) noexcept { return children_[static_cast<std::size_t>(role)]; }
    [[nodiscard]] const Child& child(Role role) const noexcept { return children_[static_cast<std::size_t>(role)]; }
    void start(Child& child);
    core::Result<pid_t> launch(Child& child);
    void start_due();
    void reap();
    void lost(Child& child, int status);
    // Whether the daemon has given up instead of starting the child again.
    bool give_up_after(const Child& child, int status, const std::string& words);
    void give_up(const std::string& what, const std::string& why);
    void introduce(Child& child);
    void tell_control(const nlohmann::json& message, std::span<const int> fds = {});
    void drop_control();
    void end_control(const core::Error& error);
    // Ends the proxy or the fence process, which has broken the protocol.
    void end_child(Role role, const std::string& why);
    // Whether pid is one of our processes, or one of the last few: a caller of the API may have ended since it
    // connected.
    [[nodiscard]] bool is_child(pid_t pid) const;
    void note_child(pid_t pid);

    // Upgrades: the old program's part, then the new one's.
    void begin_rehearsal(std::uint64_t id, const link::CheckUpgrade& request);
    void end_rehearsal(int status);
    // Returns only on failure.
    core::Result<void> hand_over();
    [[nodiscard]] Handover estate() const;
    void complete_upgrade();
    void undo(const std::string& why);
    bool undo_instead(const std::string& why);
    void end_leaving(const std::vector<pid_t>& leaving);
    [[nodiscard]] nlohmann::ordered_json describe_upgrade() const;
    void note_upgrade(std::string_view state);
    void tell_upgrade();
    // The number of older proxies that still run after upgrades.
    [[nodiscard]] std::size_t old_proxies() const;

    // The end.
    void begin_stop();
    void drain_directly();
    void finish_when_drained();
    void finish(int code);
    void watch_clock();
    void end_others();
    bool wait_for_exit(Child& child, Clock::time_point deadline);
    void kill_all() noexcept;
    [[nodiscard]] std::optional<Clock::time_point> next_due() const noexcept;

    const config::Config& config_;
    Account account_;
    core::base::Log& log_;
    Listeners listeners_;
    core::base::Descriptor control_socket_;
    Signals signals_;
    // Control's requests are short and bring no descriptors.
    static constexpr link::ChannelLimits requests{link::Channel::inline_max, 0};
    link::Channel control_link_;
    Bounds bounds_;
    RedirectInquiry inquiry_{bounds_};
    std::array<Child, 3> children_;
    std::deque<pid_t> begun_;  // the last ones that were started, living or not
    Phase phase_ = Phase::running;
    FirstStart first_start_;

    Origin origin_;
    Predecessors predecessors_;
    std::optional<Rehearsal> rehearsal_;
    std::uint64_t rehearsal_id_ = 0;  // of the request that waits for it
    std::optional<Upgrade> pending_;  // under rehearsal, or rehearsed
    Upgrade upgrade_;                 // the last one that was begun
    std::string upgrade_state_;
    // In the new program, until its own proxy serves.
    bool upgrading_ = false;
    std::optional<Child> serving_;  // the proxy before
    core::base::Descriptor image_;  // the program before
    std::optional<Clock::time_point> undo_at_;
    unsigned deaths_ = 0;

    std::optional<Clock::time_point> deadline_;
    int code_ = 0;
};

}  // namespace appliance::boot

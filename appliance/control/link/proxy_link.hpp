// ProxyLink: control's side of the conversation with the proxy process, which comes and goes. Any thread may ask.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "appliance/link/channel.hpp"
#include "core/base/clock.hpp"
#include "core/base/duration.hpp"
#include "core/base/result.hpp"

namespace appliance::control {

// starting: alive, not yet configured.
enum class ProxyState { down, starting, running, draining };

std::string_view print(ProxyState state) noexcept;

struct ProxyStatus {
    ProxyState state = ProxyState::down;
    pid_t pid = 0;
    core::WallTime since{};
};

class ProxyLink {
public:
    // Enough for every answer that needs nothing but the proxy.
    static constexpr core::Milliseconds answer_max{5'000};

    // on_foreign: called with the reason when the proxy has sent what none of ours would. By any thread, with this
    // object locked. Must only pass that on: the process is to be ended, and nothing more is sent to it.
    explicit ProxyLink(std::function<void(const std::string&)> on_foreign);

    // A new process, over its fresh link.
    void attach(core::base::Descriptor link, pid_t pid);
    void detach();
    // It has taken its configuration and its administrative state.
    void mark_running();
    // Tells it to stop accepting and to end by itself. Its end is seen by the supervisor, so no answer is waited for.
    core::Result<void> drain(core::Milliseconds deadline);

    // Sends one request (an object with "type"; the id is added) and returns its answer, waiting for timeout at most;
    // one at a time, so that some of it may go by in waiting for the one before. fds stay the caller's. Errors: the
    // proxy's own refusal, no proxy (os_error EPIPE), or no answer in time (ETIMEDOUT).
    core::Result<nlohmann::json> ask(nlohmann::json request, std::span<const int> fds, core::Milliseconds timeout);

    // What the proxy sees now; null where it does not answer in time. Callers during a question share the next one:
    // many readers do not make an order wait for its turn.
    nlohmann::json report(core::Milliseconds timeout);

    [[nodiscard]] ProxyStatus status() const;
    // False: the last question was not answered in time, nothing comes within patience, and the next try is not due
    // yet. The first try is due after a second, each later one after twice as long, up to a minute. So questions to a
    // stopped proxy do not fill its link, and no caller waits long for it.
    bool may_ask(core::Milliseconds patience);

private:
    core::Result<nlohmann::json> await(std::uint64_t id, core::BootTime deadline, core::Milliseconds timeout);
    core::Result<std::optional<link::Message>> receive(core::BootTime deadline);
    tl::unexpected<core::Error> give_up(const core::Error& foreign);
    void set(ProxyState state, pid_t pid);

    // Held for a whole question and answer; false where its turn did not come within patience.
    class Talk {
    public:
        explicit Talk(ProxyLink& link);
        Talk(ProxyLink& link, core::Milliseconds patience);
        Talk(const Talk&) = delete;
        ~Talk();
        explicit operator bool() const noexcept { return mine_; }

    private:
        ProxyLink& link_;
        bool mine_ = true;
    };
    std::mutex turn_mutex_;
    std::condition_variable turn_over_;
    bool talking_ = false;              // guarded by turn_mutex_; what follows is the talker's
    std::atomic<bool> silent_ = false;  // the last question was not answered in time, and nothing has come since
    core::Milliseconds again_{};        // how long a silent one is left alone
    core::BootTime again_at_{};
    // It is sent descriptors, and sends none.
    static constexpr link::ChannelLimits answers{link::Channel::text_max, 0};
    std::function<void(const std::string&)> on_foreign_;
    link::Channel channel_;
    std::uint64_t next_id_;

    std::mutex reporting_;
    std::condition_variable reported_;
    std::uint64_t reports_begun_ = 0;
    std::uint64_t reports_ended_ = 0;
    bool report_under_way_ = false;
    nlohmann::json report_;

    mutable std::mutex status_mutex_;
    ProxyStatus status_;
};

}  // namespace appliance::control

// HelperLink: control's side of the conversation with the fence process, which comes and goes. Any thread may call.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "core/base/descriptor.hpp"
#include "core/base/duration.hpp"
#include "core/base/result.hpp"
#include "netfilter/client/helper_client.hpp"

namespace appliance::control {

class HelperLink {
public:
    // on_notice: called by any thread, with this object locked, when there is something to take_notices(). Must only
    // wake a thread.
    // on_foreign: called in the same way when the fence process has sent what none of ours would, with the reason. That
    // process is to be ended; nothing more is sent to it.
    HelperLink(std::function<void()> on_notice, std::function<void(const std::string&)> on_foreign);
    HelperLink(const HelperLink&) = delete;
    HelperLink& operator=(const HelperLink&) = delete;
    ~HelperLink();

    // How long a command waits for a fence process that is being restarted.
    static constexpr core::Milliseconds restart_wait{2'000};
    // How long one answer may take: another program may hold the kernel's commit lock.
    static constexpr core::Milliseconds answer_max{5'000};

    void attach(core::base::Descriptor link);
    void detach();
    [[nodiscard]] bool attached() const;
    // Since when it is as it is.
    [[nodiscard]] core::WallTime since() const;

    // The clock by which the ends of fences are meant from now on, here and there: WallSteps::offset.
    void follow_clock(core::Milliseconds offset) { clock_ = offset; }
    // As in netfilter::HelperClient. Errors with os_error EPIPE: no fence process within restart_wait.
    core::Result<void> apply(std::span<const netfilter::Change> changes);
    core::Result<std::vector<netfilter::Fence>> list();
    core::Result<std::string> rules_text();
    core::Result<std::string> capabilities();
    core::Result<netfilter::Reaped> reap(std::span<const netfilter::Destination> destinations);
    core::Result<bool> put_firewall(const netfilter::HostRules& rules);
    core::Result<bool> remove_firewall();
    core::Result<std::optional<netfilter::HostDrops>> firewall_drops();
    core::Result<netfilter::RedirectState> put_redirects(std::span<const netfilter::Redirect> redirects,
                                                         netfilter::Forward forward);
    core::Result<std::uint64_t> count_redirected(const core::Address& backend);
    // What the fence process has told by itself since the last call, in order.
    std::vector<netfilter::Notice> take_notices();

private:
    void watch();
    void gather();
    void give_up(const core::Error& foreign);
    template <typename Call>
    auto with_client(Call call) -> decltype(call(std::declval<netfilter::HelperClient&>()));

    mutable std::mutex mutex_;
    std::condition_variable attached_;
    std::optional<netfilter::HelperClient> client_;
    std::atomic<core::Milliseconds> clock_ = core::base::wall_offset();
    core::WallTime since_ = core::base::wall_now();
    std::function<void()> on_notice_;
    std::function<void(const std::string&)> on_foreign_;
    std::vector<netfilter::Notice> notices_;
    // Duplicates of the client's descriptor, so that the watcher can wait for notices without the lock. Only the
    // watcher replaces the one that it waits on.
    core::base::Descriptor watched_;
    core::base::Descriptor fresh_;
    bool ended_ = false;
    std::thread watcher_;
};

}  // namespace appliance::control

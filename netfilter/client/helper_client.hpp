// HelperClient: control's end of the link to the fence process. Needs no privilege.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.hpp"
#include "core/base/descriptor.hpp"
#include "core/base/duration.hpp"
#include "core/base/result.hpp"
#include "netfilter/model/fence.hpp"
#include "netfilter/model/flows.hpp"
#include "netfilter/model/host_rules.hpp"
#include "netfilter/protocol/notice.hpp"
#include "netfilter/model/redirect.hpp"

namespace netfilter {

namespace wire {
struct Request;
struct Reply;
struct FirewallReply;
enum class FirewallAction : std::uint8_t;
}  // namespace wire

// Blocking, each call at most as long as the timeout. Not thread safe. After an error whose os_error is EPIPE the fence
// process is gone: make another, and another client. After one of ETIMEDOUT whether the fences changed is unknown until
// list() says; the client stays usable, because late answers are told apart by their id.
class HelperClient {
public:
    // The os_error of every error that says: the peer does not speak this language, or lies about its form. Give the
    // link up then, and have the peer ended.
    static constexpr int foreign_error = EPROTO;

    // `link`: one end of a SOCK_SEQPACKET pair. `timeout`: of a whole call.
    HelperClient(core::base::Descriptor link, core::Milliseconds timeout);

    core::Result<void> ping();
    // See FenceManager::apply: all or nothing, whatever the number. Words are cut to what the kernel keeps.
    // clock: the WallSteps::offset by which the caller reckons, for the ends of fences.
    core::Result<void> apply(std::span<const Change> changes, core::Milliseconds clock = core::base::wall_offset());
    core::Result<std::vector<Fence>> list(core::Milliseconds clock = core::base::wall_offset());
    core::Result<std::string> rules_text();
    // See Capabilities::text.
    core::Result<std::string> capabilities();
    // See HostFirewall. `rules` is valid (host_rules.hpp).
    core::Result<bool> put_firewall(const HostRules& rules);
    core::Result<bool> remove_firewall();
    core::Result<std::optional<HostDrops>> firewall_drops();

    // See Redirector::put.
    core::Result<RedirectState> put_redirects(std::span<const Redirect> redirects,
                                              Forward forward = Forward::as_needed);

    // Readable when the fence process may have told something by itself.
    [[nodiscard]] int descriptor() const { return link_.get(); }
    // Reads what it has told, without blocking. Every other call keeps what comes in between. Errors: it is gone.
    core::Result<void> collect();
    // What was collected, in order, once; of more than notices_max the newest.
    static constexpr std::size_t notices_max = 64;
    std::vector<Notice> take_notices() { return std::exchange(notices_, {}); }
    // See FenceManager::reap. Each 16 backends have a timeout of their own.
    core::Result<Reaped> reap(std::span<const Destination> destinations);
    // See FlowReaper::count_redirected.
    core::Result<std::uint64_t> count_redirected(const Destination& destination);

private:
    using Clock = core::BootClock;
    using Take = std::function<core::Result<void>(const wire::Reply&)>;
    // Sends one request of a conversation; reads and drops late answers to earlier ones meanwhile, so that neither end
    // waits for the other to read first.
    core::Result<void> send(const wire::Request& request, Clock::time_point deadline);
    // Reads the replies to a request until the last; a failed one becomes the error.
    core::Result<void> receive(const wire::Request& request, Clock::time_point deadline, const Take& take);
    core::Result<short> wait(short events, Clock::time_point deadline);
    core::Result<void> read(wire::Reply& reply);
    core::Result<void> keep(const wire::NoticePacket& packet);
    wire::Request make_request(std::uint8_t kind);
    core::Result<std::string> ask_text(std::uint8_t kind);
    core::Result<wire::FirewallReply> ask_firewall(wire::FirewallAction action, const HostRules& rules);

    core::base::Descriptor link_;
    core::Milliseconds timeout_;
    std::uint64_t next_id_;
    std::vector<Notice> notices_;
};

}  // namespace netfilter

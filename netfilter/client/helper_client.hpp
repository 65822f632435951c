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
#include "netfilter/model/redirect.hpp"
#include "netfilter/protocol/notice.hpp"

namespace netfilter {

namespace wire {
struct Request;
struct Reply;
struct FirewallReply;
enum class FirewallAction : std::uint8_t;
}  // namespace wire

// Blocking; each call takes at most the timeout. Not thread safe. After an error with os_error EPIPE the fence process
// is gone: start another, and make another client. After ETIMEDOUT it is unknown whether the fences changed, until
// list() tells. The client stays usable, because ids tell late answers apart.
class HelperClient {
public:
    // The os_error of every error that means: the peer does not follow the protocol. Then close the link and end the
    // peer.
    static constexpr int foreign_error = EPROTO;

    // `link`: one end of a SOCK_SEQPACKET pair. `timeout`: for a whole call.
    HelperClient(core::base::Descriptor link, core::Milliseconds timeout);

    core::Result<void> ping();
    // See FenceManager::apply: all or nothing, for any number. Texts are cut to what the kernel keeps. clock: the
    // caller's WallSteps::offset, by which the ends of its fences are meant.
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

    // Readable when the fence process may have sent a notice.
    [[nodiscard]] int descriptor() const { return link_.get(); }
    // Reads the notices that have come, without blocking. Every other call keeps notices that come between its answers.
    // Errors: the fence process is gone.
    core::Result<void> collect();
    // The collected notices, in order, once; the newest where there were more than notices_max.
    static constexpr std::size_t notices_max = 64;
    std::vector<Notice> take_notices() { return std::exchange(notices_, {}); }
    // See FenceManager::reap. Each group of 16 backends has a timeout of its own.
    core::Result<Reaped> reap(std::span<const Destination> destinations);
    // See FlowReaper::count_redirected.
    core::Result<std::uint64_t> count_redirected(const Destination& destination);

private:
    using Clock = core::BootClock;
    using Take = std::function<core::Result<void>(const wire::Reply&)>;
    // Sends one request of a conversation. Reads and drops late answers meanwhile, so that neither end waits for the
    // other to read first.
    core::Result<void> send(const wire::Request& request, Clock::time_point deadline);
    // Reads the replies to a request up to the last one; a failed one becomes the error.
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

#include "appliance/boot/supervisor/redirect_inquiry.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "appliance/link/channel.hpp"
#include "netfilter/protocol/helper_protocol.hpp"
#include "netfilter/protocol/redirect_protocol.hpp"

namespace appliance::boot {

namespace wire = netfilter::wire;
using core::base::Descriptor;

core::Result<Descriptor> RedirectInquiry::open() {
    auto pair = link::make_pair();
    if (!pair) {
        return tl::unexpected(std::move(pair.error()));
    }
    link_ = std::move(pair->first);
    inbox_ = {};
    return std::move(pair->second);
}

core::Result<void> RedirectInquiry::take() {
    if (!link_.valid()) {
        return {};
    }
    wire::Request request{};
    // MSG_TRUNC returns the packet's real size, so that one too long is seen as such.
    const auto size = ::recv(link_.get(), &request, sizeof request, MSG_DONTWAIT | MSG_TRUNC);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return {};
    }
    if (size <= 0) {
        link_.reset();  // SIGCHLD reports its death
        return {};
    }
    const bool ours = size == sizeof request && wire::well_formed(request) &&
                      request.kind == static_cast<std::uint8_t>(wire::Kind::redirect);
    auto answered = ours ? answer(request)
                         : core::fail("cannot read which redirects are asked for", "the peer speaks another language");
    if (!answered) {
        link_.reset();
    }
    return answered;
}

core::Result<void> RedirectInquiry::answer(const wire::Request& request) {
    const auto order = inbox_.take(request);
    if (!order || !*order) {
        return order.map([](const auto&) {});
    }
    wire::Reply reply{};
    reply.magic = wire::magic;
    reply.kind = request.kind;
    reply.last = 1;
    reply.id = request.id;
    wire::put_items(wire::pack_state({}), reply);
    if (const auto allowed = bounds_.allow((*order)->redirects); !allowed) {
        wire::pack_error(allowed.error(), reply);
    }
    // After a failed send the fence process asks again, this one or the next.
    static_cast<void>(::send(link_.get(), &reply, sizeof reply, MSG_NOSIGNAL | MSG_DONTWAIT));
    return {};
}

}  // namespace appliance::boot

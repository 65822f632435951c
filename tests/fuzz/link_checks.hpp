// The properties of the link between the fence process and control, for any packets. The privileged end answers with
// what its client understands, or ends the conversation. The client accepts only replies.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "netfilter/agent/helper.hpp"
#include "netfilter/fence/fence_manager.hpp"
#include "netfilter/protocol/firewall_protocol.hpp"
#include "netfilter/protocol/helper_protocol.hpp"
#include "netfilter/protocol/notice.hpp"
#include "netfilter/protocol/redirect_protocol.hpp"
#include "tests/fuzz/netlink_seeds.hpp"
#include "tests/support/any_redirect.hpp"
#include "tests/support/memory_kernel.hpp"

namespace netfilter::fuzz {

// Reads the input as numbers; zeroes after its end.
class Reader {
public:
    explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    template <typename Number>
    Number take() {
        Number number{};
        const auto piece = take(sizeof number);
        std::memcpy(&number, piece.data(), piece.size());
        return number;
    }
    std::span<const std::byte> take(std::size_t size) {
        const auto piece = bytes_.first(std::min(size, bytes_.size()));
        bytes_ = bytes_.subspan(piece.size());
        return piece;
    }

private:
    std::span<const std::byte> bytes_;
};

// Overwrites a valid packet in a few places, because a random packet would fail at its first four bytes.
template <typename Packet>
void damage(Packet& packet, Reader& reader) {
    const auto wounds = reader.take<std::uint8_t>() % 8;
    for (int i = 0; i < wounds; ++i) {
        const auto at = reader.take<std::uint16_t>() % sizeof packet;
        const auto piece = reader.take(std::min<std::size_t>(reader.take<std::uint8_t>(), sizeof packet - at));
        std::memcpy(reinterpret_cast<std::byte*>(&packet) + at, piece.data(), piece.size());
    }
}

inline wire::Request good_request(std::uint8_t kind) {
    wire::Request request{};
    request.magic = wire::magic;
    request.kind = static_cast<std::uint8_t>(kind % 8 + 1);
    request.last = 1;
    request.id = 1;
    if (request.kind == static_cast<std::uint8_t>(wire::Kind::apply)) {
        request.count = 2;
        request.items[0] = wire::pack(seed_fence("10.0.0.1:80"));
        request.items[1] = wire::pack(seed_fence("[fd00::1]:443"));
    } else if (request.kind == static_cast<std::uint8_t>(wire::Kind::reap) ||
               request.kind == static_cast<std::uint8_t>(wire::Kind::count_flows)) {
        request.count = 1;
        request.items[0] = wire::pack(Destination{*core::Address::parse("10.0.0.1:80")});
    } else if (request.kind == static_cast<std::uint8_t>(wire::Kind::firewall)) {
        const HostRules rules{{80, 443}, {22}, {*core::Network::parse("10.0.0.0/8")}, 100, {10, 1}, {5222}};
        wire::pack_firewall(wire::FirewallAction::put, rules, request);
    } else if (request.kind == static_cast<std::uint8_t>(wire::Kind::redirect)) {
        const RedirectBackend backend{*core::Address::parse("10.0.0.1:80"), 1, false, true};
        const std::array redirects{Redirect{"chat", *core::Address::parse("10.0.0.9:5222"), {}, true, {backend}}};
        wire::put_items(wire::pack_redirects(redirects, Forward::as_needed), request);
    }
    return request;
}

// Sends a few requests to a whole fence process with the kernel in memory.
inline std::string_view check_requests(std::span<const std::byte> bytes) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return "no socket pair";
    }
    const core::base::Descriptor near(ends[0]);
    const core::base::Descriptor far(ends[1]);
    Reader reader(bytes);
    // So few that all answers fit the link, which is not read before the end.
    for (int i = 0; i < 4 && !reader.empty(); ++i) {
        auto request = good_request(reader.take<std::uint8_t>());
        damage(request, reader);
        static_cast<void>(send(near.get(), &request, sizeof request, MSG_NOSIGNAL));
    }
    shutdown(near.get(), SHUT_WR);
    auto manager = FenceManager::open(std::make_unique<MemoryKernel>());
    if (!manager) {
        return "no manager";
    }
    static_cast<void>(serve(far.get(), *manager, tests::support::allow_any_redirect));
    wire::Reply reply{};
    ssize_t size = 0;
    while ((size = recv(near.get(), &reply, sizeof reply, MSG_DONTWAIT | MSG_TRUNC)) > 0) {
        if (size != sizeof reply || !wire::well_formed(reply)) {
            return "an answer that no client understands";
        }
    }
    const auto fences = manager->list();
    for (const auto& fence : fences.value()) {
        if (!validate(fence)) {
            return "a fence that is not valid got into the kernel";
        }
    }
    return {};
}

// The other direction: how control handles what it reads.
inline std::string_view check_replies(std::span<const std::byte> bytes) {
    Reader reader(bytes);
    wire::Reply reply{};
    reply.magic = wire::magic;
    reply.kind = static_cast<std::uint8_t>(reader.take<std::uint8_t>() % 8 + 1);
    reply.last = 1;
    damage(reply, reader);
    if (wire::well_formed(reply)) {
        static_cast<void>(wire::unpack_error(reply).line());
        static_cast<void>(wire::unpack_reaped(reply));
        static_cast<void>(wire::unpack_firewall(reply));
        static_cast<void>(wire::unpack_state(wire::take_items(reply)));
        const auto count =
            reply.kind == static_cast<std::uint8_t>(wire::Kind::list) && reply.status == 0 ? reply.count : 0;
        for (std::size_t i = 0; i < count; ++i) {
            static_cast<void>(wire::unpack(reply.items.at(i)));
        }
    }
    auto packet = wire::pack(Notice{"nft", 1, 2, {true, 3, 4}, "no room"});
    damage(packet, reader);
    const auto notice = wire::unpack(packet);
    return notice && wire::unpack(wire::pack(*notice)) != notice ? "a notice that says something else the second time"
                                                                 : "";
}

}  // namespace netfilter::fuzz

#include "netfilter/nft/monitor.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "netfilter/netlink/attribute.hpp"
#include "netfilter/netlink/uapi.hpp"
#include "netfilter/nft/decode.hpp"
#include "netfilter/nft/encode.hpp"

namespace netfilter {
namespace {

constexpr std::size_t datagram_max = 64 << 10;
// A flush of a large ruleset is announced in thousands of datagrams; commands must not wait for all of them.
constexpr int datagrams_max = 256;
// Every announcement about an object has its table's name in attribute 1: NFTA_TABLE_NAME, NFTA_RULE_TABLE,
// NFTA_SET_ELEM_LIST_TABLE, ...
constexpr std::uint16_t table_name = NFTA_TABLE_NAME;
static_assert(NFTA_CHAIN_TABLE == table_name && NFTA_RULE_TABLE == table_name && NFTA_SET_TABLE == table_name &&
              NFTA_SET_ELEM_LIST_TABLE == table_name && NFTA_OBJ_TABLE == table_name &&
              NFTA_FLOWTABLE_TABLE == table_name);

std::string read_text(std::optional<std::span<const std::byte>> value) {
    if (!value) {
        return {};
    }
    const auto* text = reinterpret_cast<const char*>(value->data());
    return {text, strnlen(text, value->size())};
}

}  // namespace

core::Result<Monitor> Monitor::open(std::string_view table, std::uint32_t own_port, std::chrono::milliseconds step,
                                    int receive_buffer) {
    core::base::Descriptor descriptor(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER));
    if (!descriptor.valid()) {
        return core::fail_os("cannot watch nftables", errno);
    }
    // Small sizes need no privilege; the large default must not depend on the system's limit.
    if (setsockopt(descriptor.get(), SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof receive_buffer) != 0) {
        setsockopt(descriptor.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_nl own{};
    own.nl_family = AF_NETLINK;
    socklen_t length = sizeof own;
    const int group = NFNLGRP_NFTABLES;
    if (bind(descriptor.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 ||
        getsockname(descriptor.get(), reinterpret_cast<sockaddr*>(&own), &length) != 0 ||
        setsockopt(descriptor.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
        return core::fail_os("cannot watch nftables", errno, "run as root or give the process CAP_NET_ADMIN");
    }
    return Monitor(std::move(descriptor), table, own_port, own.nl_pid, step);
}

Monitor::Monitor(core::base::Descriptor descriptor, std::string_view table, std::uint32_t own_port, std::uint32_t port,
                 std::chrono::milliseconds step)
    : descriptor_(std::move(descriptor)),
      table_(table),
      own_port_(own_port),
      port_(port),
      step_(step),
      buffer_(datagram_max) {}

Monitor::Clock::time_point Monitor::next() const {
    return pending_ ? std::min(quiet_until_, audit_at_) : audit_at_;
}

std::optional<ForeignChange> Monitor::take(Clock::time_point now) {
    if (now >= audit_at_) {
        audit_at_ = now + audit_step;
        audit();
        read(now);
    }
    if (!pending_ || now < quiet_until_) {
        return std::nullopt;
    }
    quiet_until_ = now + step_;
    auto told = std::move(pending_);
    pending_.reset();
    return told;
}

// Requests the generation; the answer comes among the announcements, in order. A request that fails for lack of memory
// is repeated a second later.
void Monitor::audit() {
    Request request{.kind = NFT_MSG_GETGEN};
    request.sequence = 1;
    const auto datagram = encode(request);
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    static_cast<void>(sendto(descriptor_.get(), datagram.data(), datagram.size(), 0,
                             reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel));
}

void Monitor::read(Clock::time_point now) {
    for (int count = 0; count < datagrams_max; ++count) {
        const auto size = recv(descriptor_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT | MSG_TRUNC);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if ((size < 0 && errno == ENOBUFS) || size > static_cast<ssize_t>(buffer_.size())) {
            lose();
            continue;
        }
        if (size <= 0) {
            return;
        }
        const Replies datagram{{buffer_.begin(), buffer_.begin() + size}};
        for (const Message& message : datagram.messages()) {
            take_in(message, now);
        }
    }
}

void Monitor::take_in(const Message& message, Clock::time_point now) {
    if (message.type >> 8 != NFNL_SUBSYS_NFTABLES || message.bytes.size() < body_offset) {
        return;
    }
    nlmsghdr header{};
    std::memcpy(&header, message.bytes.data(), sizeof header);
    if ((message.type & 0xff) == NFT_MSG_NEWGEN) {
        const auto generation = decode_generation(message);
        if (generation && header.nlmsg_pid == port_) {
            compare(*generation, now);
        } else if (generation) {
            generation_ = *generation;
            take_commit(message, header.nlmsg_pid);
        }
    } else if (header.nlmsg_pid != own_port_) {
        nfgenmsg general{};
        std::memcpy(&general, message.bytes.data() + sizeof header, sizeof general);
        touched_ = touched_ || (general.nfgen_family == NFPROTO_INET &&
                                read_text(find_attribute(message.bytes.subspan(body_offset), table_name)) == table_);
    }
}

// A commit's announcement comes after those of all its changes.
void Monitor::take_commit(const Message& message, std::uint32_t sender) {
    if (touched_ && sender != own_port_ && !pending_) {
        const auto attributes = message.bytes.subspan(body_offset);
        const auto pid = read_attribute<std::uint32_t>(attributes, NFTA_GEN_PROC_PID);
        pending_ = ForeignChange{read_text(find_attribute(attributes, NFTA_GEN_PROC_NAME)), pid ? ntohl(*pid) : 0,
                                 *generation_};
    }
    touched_ = false;
}

// A commit raises the generation a moment before its announcement, so one differing read proves nothing.
void Monitor::compare(std::uint32_t generation, Clock::time_point now) {
    if (!generation_ || *generation_ == generation) {
        generation_ = generation;
        suspected_ = false;
    } else if (!suspected_) {
        suspected_ = true;
        audit_at_ = now + debounce;
    } else {
        generation_ = generation;
        suspected_ = false;
        lose();
    }
}

void Monitor::lose() {
    touched_ = false;
    if (!pending_) {
        pending_.emplace();
    }
}

}  // namespace netfilter

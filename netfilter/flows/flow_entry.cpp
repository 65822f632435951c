#include "netfilter/flows/flow_entry.hpp"

#include "netfilter/netlink/uapi.hpp"
// The other headers must come after the one that defines their order.
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <array>
#include <cstring>
#include <utility>

#include "core/base/verify.hpp"
#include "netfilter/netlink/attribute.hpp"

namespace netfilter {
namespace {

constexpr std::uint16_t type_of(std::uint16_t message) {
    return static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | message);
}

// The tuple fields that the kernel compares (net/netfilter/nf_internals.h, Linux 5.8). They are stable, but in no
// header for programs.
constexpr std::uint32_t by_address = 1U << 0;
constexpr std::uint32_t by_port = 1U << 3 | 1U << 4;  // with the protocol

constexpr std::size_t entry_message_max = 512;
// The tuple of an IPv6 flow with its zone and number takes some 90 bytes.
constexpr std::size_t name_max = 256;

class EntryMessage {
public:
    EntryMessage(std::uint16_t message, std::uint16_t flags, int family, std::uint32_t sequence)
        : header_(mnl_nlmsg_put_header(bytes_.data())) {
        header_->nlmsg_type = type_of(message);
        header_->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
        header_->nlmsg_seq = sequence;
        auto* general = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header_, sizeof(nfgenmsg)));
        general->nfgen_family = static_cast<std::uint8_t>(family);
        general->version = NFNETLINK_V0;
    }
    nlmsghdr* header() { return header_; }
    void append_to(std::vector<std::byte>& out) const {
        const auto* start = reinterpret_cast<const std::byte*>(header_);
        out.insert(out.end(), start, start + MNL_ALIGN(header_->nlmsg_len));
    }

private:
    alignas(nlmsghdr) std::array<char, entry_message_max> bytes_{};
    nlmsghdr* header_;
};

void put_source(nlmsghdr* header, std::uint16_t tuple, const core::Address& from, std::uint8_t protocol) {
    auto* outer = mnl_attr_nest_start(header, tuple);
    auto* ip = mnl_attr_nest_start(header, CTA_TUPLE_IP);
    mnl_attr_put(header, from.is_v4() ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, from.is_v4() ? 4 : 16, from.bytes().data());
    mnl_attr_nest_end(header, ip);
    auto* transport = mnl_attr_nest_start(header, CTA_TUPLE_PROTO);
    mnl_attr_put_u8(header, CTA_PROTO_NUM, protocol);
    mnl_attr_put_u16(header, CTA_PROTO_SRC_PORT, htons(from.port()));
    mnl_attr_nest_end(header, transport);
    mnl_attr_nest_end(header, outer);
}

std::optional<core::Address> read_address(std::span<const std::byte> ip, std::uint16_t v4, std::uint16_t v6) {
    sockaddr_storage storage{};
    if (const auto narrow = read_attribute<in_addr>(ip, v4)) {
        auto& in = reinterpret_cast<sockaddr_in&>(storage);
        in.sin_family = AF_INET;
        in.sin_addr = *narrow;
    } else if (const auto wide = read_attribute<in6_addr>(ip, v6)) {
        auto& in = reinterpret_cast<sockaddr_in6&>(storage);
        in.sin6_family = AF_INET6;
        in.sin6_addr = *wide;
    } else {
        return std::nullopt;
    }
    return core::Address::from(storage);
}

std::optional<FlowEnds> read_ends(std::span<const std::byte> tuple) {
    const auto ip = find_attribute(tuple, CTA_TUPLE_IP);
    const auto transport = find_attribute(tuple, CTA_TUPLE_PROTO);
    if (!ip || !transport) {
        return std::nullopt;
    }
    const auto from = read_address(*ip, CTA_IP_V4_SRC, CTA_IP_V6_SRC);
    const auto to = read_address(*ip, CTA_IP_V4_DST, CTA_IP_V6_DST);
    const auto protocol = read_attribute<std::uint8_t>(*transport, CTA_PROTO_NUM);
    const auto from_port = read_attribute<std::uint16_t>(*transport, CTA_PROTO_SRC_PORT);
    const auto to_port = read_attribute<std::uint16_t>(*transport, CTA_PROTO_DST_PORT);
    if (!from || !to || !protocol || !from_port || !to_port) {
        return std::nullopt;
    }
    return FlowEnds{from->with_port(ntohs(*from_port)), to->with_port(ntohs(*to_port)), *protocol};
}

bool read_ended(std::span<const std::byte> attributes) {
    const auto info = find_attribute(attributes, CTA_PROTOINFO);
    const auto tcp = info ? find_attribute(*info, CTA_PROTOINFO_TCP) : std::nullopt;
    const auto state = tcp ? read_attribute<std::uint8_t>(*tcp, CTA_PROTOINFO_TCP_STATE) : std::nullopt;
    return state &&
           (*state == TCP_CONNTRACK_LAST_ACK || *state == TCP_CONNTRACK_TIME_WAIT || *state == TCP_CONNTRACK_CLOSE);
}

void copy_attribute(std::span<const std::byte> from, std::uint16_t type, bool nested, std::vector<std::byte>& out) {
    const auto value = find_attribute(from, type);
    if (!value) {
        return;
    }
    const nlattr header{static_cast<std::uint16_t>(sizeof header + value->size()),
                        static_cast<std::uint16_t>(nested ? type | NLA_F_NESTED : type)};
    const auto* start = reinterpret_cast<const std::byte*>(&header);
    out.insert(out.end(), start, start + sizeof header);
    out.insert(out.end(), value->begin(), value->end());
    out.resize(NLA_ALIGN(out.size()));
}

}  // namespace

std::vector<std::byte> encode_entry_dump(const core::Address& backend, std::uint8_t protocol, FlowRole role,
                                         std::uint32_t sequence) {
    EntryMessage message(IPCTNL_MSG_CT_GET, NLM_F_DUMP, backend.family(), sequence);
    const bool answers = role == FlowRole::answers;
    put_source(message.header(), answers ? CTA_TUPLE_REPLY : CTA_TUPLE_ORIG, backend, protocol);
    // Linux 5.8 to 6.18 at least omit exactly those IPv6 entries that have the requested address (the comparison is
    // inverted). So IPv6 filters by the port alone, and the caller compares addresses.
    const std::uint32_t fields = backend.is_v4() ? by_address | by_port : by_port;
    auto* filter = mnl_attr_nest_start(message.header(), CTA_FILTER);
    mnl_attr_put_u32(message.header(), CTA_FILTER_ORIG_FLAGS, answers ? 0 : fields);
    mnl_attr_put_u32(message.header(), CTA_FILTER_REPLY_FLAGS, answers ? fields : 0);
    mnl_attr_nest_end(message.header(), filter);
    std::vector<std::byte> bytes;
    message.append_to(bytes);
    return bytes;
}

std::optional<FlowEntry> decode_entry(const Message& message) {
    if (message.type != type_of(IPCTNL_MSG_CT_NEW) || message.bytes.size() < body_offset) {
        return std::nullopt;
    }
    const auto attributes = message.bytes.subspan(body_offset);
    const auto there = find_attribute(attributes, CTA_TUPLE_ORIG);
    const auto back = find_attribute(attributes, CTA_TUPLE_REPLY);
    const auto there_ends = there ? read_ends(*there) : std::nullopt;
    const auto back_ends = back ? read_ends(*back) : std::nullopt;
    if (!there_ends || !back_ends) {
        return std::nullopt;
    }
    FlowEntry entry{*there_ends, *back_ends, read_ended(attributes), {}};
    copy_attribute(attributes, CTA_TUPLE_ORIG, true, entry.name);
    copy_attribute(attributes, CTA_ZONE, false, entry.name);
    copy_attribute(attributes, CTA_ID, false, entry.name);
    return entry.name.size() < name_max ? std::optional(std::move(entry)) : std::nullopt;
}

std::vector<std::byte> encode_forget(std::span<const FlowEntry> entries, std::uint32_t sequence) {
    std::vector<std::byte> bytes;
    for (const auto& entry : entries) {
        // With an empty name the kernel would forget every flow of the machine.
        VERIFY(!entry.name.empty());
        EntryMessage message(IPCTNL_MSG_CT_DELETE, 0, entry.there.from.family(), sequence++);
        VERIFY(entry.name.size() < name_max);
        auto* header = message.header();
        std::memcpy(mnl_nlmsg_get_payload_tail(header), entry.name.data(), entry.name.size());
        header->nlmsg_len += static_cast<std::uint32_t>(entry.name.size());
        message.append_to(bytes);
    }
    return bytes;
}

}  // namespace netfilter

#include "netfilter/nft/capabilities.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "netfilter/netlink/uapi.hpp"
#include "netfilter/nft/commit.hpp"
#include "netfilter/nft/encode.hpp"
#include "netfilter/nft/snapshot.hpp"
// The libraries' headers come after the kernel's.
#include <libmnl/libmnl.h>

namespace netfilter {
namespace {

core::Error refusal(int os_error) {
    core::Error error{"cannot use nftables", std::strerror(os_error), {}, os_error};
    error.mend = os_error == EPERM ? "run as root or give the process CAP_NET_ADMIN"
                                   : "the kernel needs nf_tables (CONFIG_NF_TABLES, module nf_tables)";
    return error;
}

// An empty batch changes nothing; a kernel that supports it acknowledges the end.
core::Result<bool> probe_end_ack(Socket& socket) {
    const Transaction nothing("gatehouse-probe");
    const auto batch = encode(nothing, {.first_sequence = socket.take_sequences(2), .end_ack = true});
    const auto replies = socket.exchange(batch.bytes);
    if (!replies) {
        return tl::unexpected(replies.error());
    }
    bool acknowledged = false;
    for (const auto& message : replies->messages()) {
        const auto ack = read_ack(message);
        if (ack && ack->sequence == batch.first_sequence && ack->os_error != 0) {
            return tl::unexpected(refusal(ack->os_error));
        }
        acknowledged = acknowledged || (ack && ack->sequence == batch.last_sequence && ack->os_error == 0);
    }
    return acknowledged;
}

// A batch without its end is checked, not executed. A kernel with the message does not find the table (ENOENT); one
// without does not know the message's number (EINVAL).
core::Result<bool> probe_destroy(Socket& socket) {
    Transaction removal("gatehouse-probe");
    Key key;
    key.size = 4;
    removal.add(RemoveElements{Map{"probe", {KeyType::ipv4_addr}}, {key}});
    const EncodeOptions options{.first_sequence = socket.take_sequences(3), .destroy = true, .commit = false};
    const auto batch = encode(removal, options);
    const auto replies = socket.exchange(batch.bytes);
    if (!replies) {
        return tl::unexpected(replies.error());
    }
    bool known = false;
    for (const auto& message : replies->messages()) {
        const auto ack = read_ack(message);
        if (ack && ack->os_error == EPERM) {
            return tl::unexpected(refusal(ack->os_error));
        }
        known = known || (ack && ack->sequence == batch.last_sequence && ack->os_error == ENOENT);
    }
    return known;
}

bool knows_table_flags(Socket& socket, std::uint32_t flags) {
    Transaction addition("gatehouse-probe");
    addition.add(AddTable{{"gatehouse-probe", {}, flags}});
    return check(socket, addition, {}).outcome == Outcome::committed;
}

// A flowtable without a device, in a batch that is checked and not executed. Its message has four fields and needs no
// library object.
bool probe_flowtable(Socket& socket) {
    Transaction addition("gatehouse-probe");
    addition.add(AddTable{{"gatehouse-probe", {}, 0}});
    auto batch = encode(addition, {.first_sequence = socket.take_sequences(3), .commit = false});
    const auto sequence = batch.last_sequence + 1;
    alignas(nlmsghdr) std::array<char, 256> space{};
    auto* header = mnl_nlmsg_put_header(space.data());
    header->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWFLOWTABLE;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK;
    header->nlmsg_seq = sequence;
    auto* family = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
    family->nfgen_family = NFPROTO_INET;
    family->version = NFNETLINK_V0;
    mnl_attr_put_strz(header, NFTA_FLOWTABLE_TABLE, "gatehouse-probe");
    mnl_attr_put_strz(header, NFTA_FLOWTABLE_NAME, "probe");
    auto* hook = mnl_attr_nest_start(header, NFTA_FLOWTABLE_HOOK);
    mnl_attr_put_u32(header, NFTA_FLOWTABLE_HOOK_NUM, htonl(NF_NETDEV_INGRESS));
    mnl_attr_put_u32(header, NFTA_FLOWTABLE_HOOK_PRIORITY, 0);
    mnl_attr_nest_end(header, hook);
    const auto* bytes = reinterpret_cast<const std::byte*>(space.data());
    batch.bytes.insert(batch.bytes.end(), bytes, bytes + header->nlmsg_len);
    const auto replies = socket.exchange(batch.bytes);
    bool known = false;
    for (const auto& message : replies ? replies->messages() : std::vector<Message>{}) {
        const auto ack = read_ack(message);
        known = known || (ack && ack->sequence == sequence && ack->os_error == 0);
    }
    return known;
}

// Kernels that cannot change an existing element's timeout ignore the change without an error: only a trial shows it.
// No other program can touch the table, and the kernel removes it with its socket.
bool probe_timeout_update(Socket& socket) {
    const auto name = fmt::format("gatehouse-probe-{}", socket.port());
    const Map set{"probe", {KeyType::ipv4_addr}, NFT_SET_TIMEOUT, false, false};
    Element element;
    element.key.append(std::array<std::uint8_t, 4>{10, 0, 0, 1});
    element.timeout = std::chrono::hours(1);
    Transaction making(name);
    making.add(AddTable{{name, {}, table_owner}});
    making.add(AddMap{set});
    making.add(AddElements{set, {element}});
    if (commit(socket, making, {}).outcome != Outcome::committed) {
        return false;
    }
    element.timeout = std::chrono::hours(2);
    Transaction update(name);
    update.add(AddElements{set, {element}});
    auto batch = encode(update, {.first_sequence = socket.take_sequences(count_sequences(update))});
    nlmsghdr header{};
    auto* at = batch.bytes.data() + batch.origins.front().position;
    std::memcpy(&header, at, sizeof header);
    header.nlmsg_flags &= static_cast<std::uint16_t>(~NLM_F_EXCL);
    std::memcpy(at, &header, sizeof header);
    const auto replies = socket.exchange(batch.bytes);
    const auto found = read_element(socket, name, set.name, element.key);
    Transaction removal(name);
    removal.add(RemoveTable{name});
    const bool removed = commit(socket, removal, {}).outcome == Outcome::committed;
    return removed && replies && found && *found && (*found)->timeout == element.timeout;
}

}  // namespace

core::Result<Capabilities> Capabilities::probe(Socket& socket) {
    const auto end_ack = probe_end_ack(socket);
    if (!end_ack) {
        return tl::unexpected(end_ack.error());
    }
    const auto destroy = probe_destroy(socket);
    if (!destroy) {
        return tl::unexpected(destroy.error());
    }
    Capabilities found{*destroy, *end_ack};
    found.owner = knows_table_flags(socket, table_owner);
    found.persist = found.owner && knows_table_flags(socket, table_owner | table_persist);
    found.timeout_update = found.owner && probe_timeout_update(socket);
    found.flowtable = probe_flowtable(socket);
    return found;
}

std::string Capabilities::text() const {
    std::string all;
    const std::pair<const char*, bool> named[] = {{"destroy", destroy},
                                                  {"end_ack", end_ack},
                                                  {"owner", owner},
                                                  {"persist", persist},
                                                  {"timeout_update", timeout_update},
                                                  {"flowtable", flowtable}};
    for (const auto& [name, there] : named) {
        if (there) {
            all += (all.empty() ? "" : " ") + std::string(name);
        }
    }
    return all;
}

}  // namespace netfilter

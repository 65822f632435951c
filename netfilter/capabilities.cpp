#include "netfilter/capabilities.hpp"

#include <cerrno>
#include <cstring>

#include "netfilter/encode.hpp"

namespace netfilter {
namespace {

core::Error refusal(int os_error) {
    core::Error error{"cannot use nftables", std::strerror(os_error), {}, os_error};
    error.mend = os_error == EPERM ? "run as root or give the process CAP_NET_ADMIN"
                                   : "the kernel needs nf_tables (CONFIG_NF_TABLES, module nf_tables)";
    return error;
}

// An empty batch changes nothing, and its end is acknowledged where the kernel knows how.
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

// A batch without its end is checked, not done. A kernel that knows the message misses the table (ENOENT); one that
// does not knows no message of that number (EINVAL).
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
    return Capabilities{*destroy, *end_ack};
}

}  // namespace netfilter

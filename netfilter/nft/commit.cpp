#include "netfilter/nft/commit.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "netfilter/nft/encode.hpp"

namespace netfilter {
namespace {

Commit run(Socket& socket, const Transaction& transaction, EncodeOptions options) {
    if (transaction.empty()) {
        return {Outcome::committed, 0, {}, {}};
    }
    options.first_sequence = socket.take_sequences(count_sequences(transaction));
    const auto batch = encode(transaction, options);
    // After a failed send the kernel has nothing; after a failed read the commit's result is unknown.
    if (const auto sent = socket.send(batch.bytes); !sent) {
        return {Outcome::rejected, sent.error().os_error, {}, sent.error().line()};
    }
    const auto replies = socket.drain();
    if (!replies) {
        return {Outcome::unknown, replies.error().os_error, {}, replies.error().line()};
    }
    return judge(transaction, batch, *replies);
}

}  // namespace

Commit judge(const Transaction& transaction, const Batch& batch, const Replies& replies) {
    Commit result;
    bool proven = false;
    for (const auto& message : replies.messages()) {
        const auto ack = read_ack(message);
        if (!ack || ack->sequence < batch.first_sequence) {
            continue;
        }
        if (ack->os_error == 0) {
            proven = proven || ack->sequence == batch.last_sequence;
            continue;
        }
        if (ack->os_error == ERESTART) {
            return {Outcome::stale, ERESTART, {}, "the ruleset was changed in between"};
        }
        if (result.outcome == Outcome::rejected) {
            continue;  // the first complaint is the cause; others often follow from it
        }
        result = {Outcome::rejected, ack->os_error, {}, ack->text};
        const auto index = ack->sequence - batch.first_sequence - 1;
        if (ack->sequence > batch.first_sequence && index < batch.origins.size()) {
            const auto& origin = batch.origins[index];
            const auto element = ack->offset ? find_element(batch, origin, *ack->offset) : std::nullopt;
            result.operation = transaction.text(origin.operation, element.value_or(static_cast<std::size_t>(-1)));
        }
    }
    if (result.outcome != Outcome::rejected && proven) {
        result.outcome = Outcome::committed;
    }
    return result;
}

core::Error Commit::error(std::string what) const {
    constexpr std::size_t shown_max = 400;
    std::string why = os_error == 0 ? "the kernel's answer was lost" : std::strerror(os_error);
    if (!text.empty()) {
        why += fmt::format(" ({})", text);
    }
    if (!operation.empty()) {
        const bool cut = operation.size() > shown_max;
        why += fmt::format(" at `{}{}`", operation.substr(0, shown_max), cut ? "..." : "");
    }
    std::string mend;
    if (os_error == EPERM) {
        mend = "give the process CAP_NET_ADMIN; if it has it, another program owns the table";
    } else if (os_error == EOPNOTSUPP || os_error == ENOENT) {
        mend =
            "check that the kernel has nf_tables with reject, ct and concatenated maps (CONFIG_NF_TABLES_INET, "
            "CONFIG_NFT_REJECT_INET, CONFIG_NFT_CT)";
    }
    return {std::move(what), std::move(why), std::move(mend), os_error};
}

Commit commit(Socket& socket, const Transaction& transaction, const Capabilities& capabilities,
              std::optional<std::uint32_t> generation) {
    return run(socket, transaction,
               {.destroy = capabilities.destroy, .end_ack = capabilities.end_ack, .generation = generation});
}

Commit check(Socket& socket, const Transaction& transaction, const Capabilities& capabilities) {
    return run(socket, transaction, {.destroy = capabilities.destroy, .end_ack = false, .commit = false});
}

}  // namespace netfilter

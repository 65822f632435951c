// Commit: sends a transaction to the kernel and returns its result.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "netfilter/netlink/socket.hpp"
#include "netfilter/nft/capabilities.hpp"
#include "netfilter/nft/encode.hpp"
#include "netfilter/nft/transaction.hpp"

namespace netfilter {

enum class Outcome {
    committed,  // all of it is in the kernel
    rejected,   // nothing of it is; `trouble` says why
    stale,      // nothing of it is, because the ruleset is not of the expected generation
    unknown,    // the kernel's answer was lost: read the table before doing anything else
};

struct Commit {
    Outcome outcome = Outcome::unknown;
    int os_error = 0;       // of the first complaint
    std::string operation;  // the nft text of the operation at fault; empty when it was the whole transaction
    std::string text;       // the kernel's text, often empty

    // One line for an operator: "`create element ...`: File exists". Not for committed.
    [[nodiscard]] core::Error error(std::string what) const;
};

// Commits. With `generation`: only while the ruleset has that generation, else stale.
[[nodiscard]] Commit commit(Socket& socket, const Transaction& transaction, const Capabilities& capabilities,
                            std::optional<std::uint32_t> generation = std::nullopt);

// The kernel checks everything and changes nothing. Outcome committed: a commit would have succeeded.
[[nodiscard]] Commit check(Socket& socket, const Transaction& transaction, const Capabilities& capabilities);

// The result of a batch from its replies. Pure.
[[nodiscard]] Commit judge(const Transaction& transaction, const Batch& batch, const Replies& replies);

}  // namespace netfilter

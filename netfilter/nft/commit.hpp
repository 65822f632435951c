// Commit: hands a transaction to the kernel and says what became of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "netfilter/nft/capabilities.hpp"
#include "netfilter/nft/encode.hpp"
#include "netfilter/netlink/socket.hpp"
#include "netfilter/nft/transaction.hpp"

namespace netfilter {

enum class Outcome {
    committed,  // all of it is in the kernel
    rejected,   // nothing of it is; `trouble` says why
    stale,      // nothing of it is, because the ruleset is not of the expected generation
    unknown,    // the kernel's answer got lost: look at the kernel before doing anything else
};

struct Commit {
    Outcome outcome = Outcome::unknown;
    int os_error = 0;       // of the first complaint
    std::string operation;  // the nft text of what was complained about; empty when it was the whole
    std::string text;       // the kernel's own words, often empty

    // One line for an operator: "`create element ...`: File exists". Not for committed.
    [[nodiscard]] core::Error error(std::string what) const;
};

// Commits. With `generation`, only when the ruleset still is of that generation (stale otherwise).
[[nodiscard]] Commit commit(Socket& socket, const Transaction& transaction, const Capabilities& capabilities,
                            std::optional<std::uint32_t> generation = std::nullopt);

// Lets the kernel check everything, and changes nothing. Outcome committed means: it would have been.
[[nodiscard]] Commit check(Socket& socket, const Transaction& transaction, const Capabilities& capabilities);

// What the replies to a batch say has become of it. Pure.
[[nodiscard]] Commit judge(const Transaction& transaction, const Batch& batch, const Replies& replies);

}  // namespace netfilter

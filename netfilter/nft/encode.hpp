// Encode: a transaction as the bytes of one netlink batch, made with libnftnl's objects. Pure: needs no kernel and no
// privilege.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "netfilter/nft/objects.hpp"
#include "netfilter/nft/transaction.hpp"

namespace netfilter {

// The operation that a message of the batch came from; maps the kernel's complaint back to it.
struct Origin {
    std::size_t operation = 0;
    std::size_t first_element = 0;  // of the operation's elements, which may take several messages
    std::size_t position = 0;       // of the message in the batch, in bytes
};

struct Batch {
    std::vector<std::byte> bytes;
    std::vector<Origin> origins;       // the message with sequence first + 1 + i came from origins[i]
    std::uint32_t first_sequence = 0;  // of the batch's begin
    std::uint32_t last_sequence = 0;   // of the message with the requested acknowledgement
};

struct EncodeOptions {
    std::uint32_t first_sequence = 1;
    bool destroy = false;  // see Capabilities
    bool end_ack = false;
    bool commit = true;  // false: without the end, so that the kernel checks everything and executes nothing
    std::optional<std::uint32_t> generation{};  // refuse with ERESTART when the ruleset has another generation
};

[[nodiscard]] Batch encode(const Transaction& transaction, const EncodeOptions& options);

// An upper bound of the sequence numbers that encode will use.
[[nodiscard]] std::uint32_t count_sequences(const Transaction& transaction);

// The index, within the operation, of the element with the byte at `offset` of the message. Empty when no element holds
// that byte.
[[nodiscard]] std::optional<std::size_t> find_element(const Batch& batch, const Origin& origin, std::uint32_t offset);

// Requests for single answers and dumps (snapshot.cpp). `kind` is an NFT_MSG_GET*.
struct Request {
    std::uint16_t kind = 0;
    bool dump = false;
    std::string_view table{};
    std::string_view chain_or_map{};
    const Key* key = nullptr;
    std::uint32_t sequence = 1;
};
[[nodiscard]] std::vector<std::byte> encode(const Request& request);

}  // namespace netfilter

// Decode: the kernel's answers as values. Foreign changes that it cannot decode stay visible and are no error: as
// Foreign expressions, or as maps that compare unequal to ours.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "netfilter/netlink/socket.hpp"
#include "netfilter/nft/objects.hpp"

namespace netfilter {

// Each is empty for a message of another kind, a malformed one, or one of another table than `table`.
[[nodiscard]] std::optional<Table> decode_table(const Message& message, std::string_view table);
[[nodiscard]] std::optional<Chain> decode_chain(const Message& message, std::string_view table);
[[nodiscard]] std::optional<Rule> decode_rule(const Message& message, std::string_view table);
[[nodiscard]] std::optional<Map> decode_map(const Message& message, std::string_view table);
// Appends the elements of one message to `out`; false when the message holds none.
bool decode_elements(const Message& message, std::vector<Element>& out);
// The ruleset's generation, from the answer to NFT_MSG_GETGEN.
[[nodiscard]] std::optional<std::uint32_t> decode_generation(const Message& message);
// The low 16 bits of the generation at which the kernel wrote this message.
[[nodiscard]] std::optional<std::uint16_t> message_generation(const Message& message);

}  // namespace netfilter

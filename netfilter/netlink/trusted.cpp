#include "netfilter/netlink/trusted.hpp"

#include <algorithm>
#include <span>
#include <string_view>

#include "netfilter/netlink/attribute.hpp"
#include "netfilter/netlink/uapi.hpp"

namespace netfilter {
namespace {

using ByteView = std::span<const std::byte>;

// Calls take(value) for each attribute of a list until it returns false; false then.
template <typename Take>
bool all_of_list(ByteView bytes, Take take) {
    while (bytes.size() >= sizeof(nlattr)) {
        nlattr header{};
        std::memcpy(&header, bytes.data(), sizeof header);
        if (header.nla_len < sizeof header || header.nla_len > bytes.size()) {
            return true;  // libnftnl sees no more of them either
        }
        if (!take(bytes.subspan(sizeof header, header.nla_len - sizeof header))) {
            return false;
        }
        bytes = bytes.subspan(std::min<std::size_t>(NLA_ALIGN(header.nla_len), bytes.size()));
    }
    return true;
}

std::string_view text_of(ByteView value) {
    const std::string_view text(reinterpret_cast<const char*>(value.data()), value.size());
    return text.substr(0, text.find('\0'));
}

// `data` holds a value or a verdict, of which those that go somewhere say where.
bool has_target(std::optional<ByteView> data) {
    const auto verdict = data ? find_attribute(*data, NFTA_DATA_VERDICT) : std::nullopt;
    const auto code = verdict ? read_attribute<std::uint32_t>(*verdict, NFTA_VERDICT_CODE) : std::nullopt;
    const auto number = code ? static_cast<std::int32_t>(ntohl(*code)) : NFT_CONTINUE;
    return (number != NFT_JUMP && number != NFT_GOTO) || find_attribute(*verdict, NFTA_VERDICT_CHAIN).has_value();
}

bool whole(ByteView expression);

// A single expression, and a list of them, where there are any.
bool all_whole(std::optional<ByteView> single, std::optional<ByteView> list) {
    return (!single || whole(*single)) && (!list || all_of_list(*list, whole));
}

bool whole(ByteView expression) {
    const auto name = find_attribute(expression, NFTA_EXPR_NAME);
    const auto data = find_attribute(expression, NFTA_EXPR_DATA);
    if (!name || name->empty() || !data) {
        return name && !name->empty();
    }
    if (text_of(*name) == "immediate") {
        return has_target(find_attribute(*data, NFTA_IMMEDIATE_DATA));
    }
    return text_of(*name) != "dynset" ||
           all_whole(find_attribute(*data, NFTA_DYNSET_EXPR), find_attribute(*data, NFTA_DYNSET_EXPRESSIONS));
}

bool element_whole(ByteView element) {
    return has_target(find_attribute(element, NFTA_SET_ELEM_DATA)) &&
           all_whole(find_attribute(element, NFTA_SET_ELEM_EXPR), find_attribute(element, NFTA_SET_ELEM_EXPRESSIONS));
}

bool message_whole(std::uint16_t kind, ByteView attributes) {
    switch (kind) {
        case NFT_MSG_NEWRULE:
            return all_whole(std::nullopt, find_attribute(attributes, NFTA_RULE_EXPRESSIONS));
        case NFT_MSG_NEWSET:
            return all_whole(find_attribute(attributes, NFTA_SET_EXPR),
                             find_attribute(attributes, NFTA_SET_EXPRESSIONS));
        case NFT_MSG_NEWSETELEM: {
            const auto elements = find_attribute(attributes, NFTA_SET_ELEM_LIST_ELEMENTS);
            return !elements || all_of_list(*elements, element_whole);
        }
        default:
            return true;
    }
}

}  // namespace

std::vector<std::byte> trusted_copy(const Message& message) {
    const auto attributes = message.bytes.subspan(body_offset);
    if (!message_whole(message.type & 0xff, attributes)) {
        return {};
    }
    std::vector<std::byte> copy(message.bytes.size() + sizeof(nlattr));
    std::copy(message.bytes.begin(), message.bytes.end(), copy.begin());
    return copy;
}

}  // namespace netfilter

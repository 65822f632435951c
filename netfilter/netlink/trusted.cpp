#include "netfilter/netlink/trusted.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "netfilter/netlink/uapi.hpp"

namespace netfilter {
namespace {

using ByteView = std::span<const std::byte>;

struct Attribute {
    std::uint16_t type;
    ByteView whole;
    ByteView value;
};

// Calls take(attribute) for each attribute of a list. Stops and returns false when take does.
template <typename Take>
bool all_attributes(ByteView bytes, Take take) {
    while (bytes.size() >= sizeof(nlattr)) {
        nlattr header{};
        std::memcpy(&header, bytes.data(), sizeof header);
        if (header.nla_len < sizeof header || header.nla_len > bytes.size()) {
            return true;  // libnftnl sees no further attribute either
        }
        const auto attribute = bytes.first(header.nla_len);
        if (!take(Attribute{static_cast<std::uint16_t>(header.nla_type & NLA_TYPE_MASK), attribute,
                            attribute.subspan(sizeof header)})) {
            return false;
        }
        bytes = bytes.subspan(std::min<std::size_t>(NLA_ALIGN(header.nla_len), bytes.size()));
    }
    return true;
}

template <typename Take>
bool all_of_list(ByteView bytes, Take take) {
    return all_attributes(bytes, [&](const Attribute& each) { return take(each.value); });
}

// The attribute that libnftnl uses: the last one of that type.
std::optional<ByteView> find_last(ByteView bytes, std::uint16_t type) {
    std::optional<ByteView> found;
    all_attributes(bytes, [&](const Attribute& each) {
        found = each.type == type ? each.value : found;
        return true;
    });
    return found;
}

// libnftnl 1.2.4 accepts types up to NFTA_SET_MAX, and writes past its array, which ends before (elements of a set,
// "dynset"). Such a type of a newer kernel becomes padding. `bytes`: of the copy, which may be written.
void pad_unknown(ByteView bytes, std::uint16_t known_max, std::uint16_t padding) {
    all_attributes(bytes, [&](const Attribute& each) {
        if (each.type > known_max) {
            auto* const header = const_cast<std::byte*>(each.whole.data());
            std::memcpy(header + offsetof(nlattr, nla_type), &padding, sizeof padding);
        }
        return true;
    });
}

std::string_view text_of(ByteView value) {
    const std::string_view text(reinterpret_cast<const char*>(value.data()), value.size());
    return text.substr(0, text.find('\0'));
}

// `data` holds a value or a verdict. A verdict with a jump must name its chain.
bool has_target(std::optional<ByteView> data) {
    const auto verdict = data ? find_last(*data, NFTA_DATA_VERDICT) : std::nullopt;
    const auto code = verdict ? find_last(*verdict, NFTA_VERDICT_CODE) : std::nullopt;
    std::uint32_t bits = 0;
    if (code && code->size() == sizeof bits) {
        std::memcpy(&bits, code->data(), sizeof bits);
    }
    const auto number = code ? static_cast<std::int32_t>(ntohl(bits)) : NFT_CONTINUE;
    return (number != NFT_JUMP && number != NFT_GOTO) || find_last(*verdict, NFTA_VERDICT_CHAIN).has_value();
}

bool whole(ByteView expression);

// Checks a single expression and a list of them, where present.
bool all_whole(std::optional<ByteView> single, std::optional<ByteView> list) {
    return (!single || whole(*single)) && (!list || all_of_list(*list, whole));
}

bool whole(ByteView expression) {
    const auto name = find_last(expression, NFTA_EXPR_NAME);
    const auto data = find_last(expression, NFTA_EXPR_DATA);
    if (!name || name->empty() || !data) {
        return name && !name->empty();
    }
    if (text_of(*name) == "immediate") {
        return has_target(find_last(*data, NFTA_IMMEDIATE_DATA));
    }
    if (text_of(*name) != "dynset") {
        return true;
    }
    pad_unknown(*data, NFTA_DYNSET_EXPRESSIONS, NFTA_DYNSET_PAD);
    return all_whole(find_last(*data, NFTA_DYNSET_EXPR), find_last(*data, NFTA_DYNSET_EXPRESSIONS));
}

bool element_whole(ByteView element) {
    pad_unknown(element, NFTA_SET_ELEM_EXPRESSIONS, NFTA_SET_ELEM_PAD);
    return has_target(find_last(element, NFTA_SET_ELEM_DATA)) &&
           all_whole(find_last(element, NFTA_SET_ELEM_EXPR), find_last(element, NFTA_SET_ELEM_EXPRESSIONS));
}

bool message_whole(std::uint16_t kind, ByteView attributes) {
    switch (kind) {
        case NFT_MSG_NEWRULE:
            return all_whole(std::nullopt, find_last(attributes, NFTA_RULE_EXPRESSIONS));
        case NFT_MSG_NEWSET:
            return all_whole(find_last(attributes, NFTA_SET_EXPR), find_last(attributes, NFTA_SET_EXPRESSIONS));
        case NFT_MSG_NEWSETELEM: {
            const auto elements = find_last(attributes, NFTA_SET_ELEM_LIST_ELEMENTS);
            return !elements || all_of_list(*elements, element_whole);
        }
        default:
            return true;
    }
}

}  // namespace

std::vector<std::byte> trusted_copy(const Message& message) {
    std::vector<std::byte> copy(message.bytes.size() + sizeof(nlattr));
    std::copy(message.bytes.begin(), message.bytes.end(), copy.begin());
    const auto attributes = ByteView(copy).first(message.bytes.size()).subspan(body_offset);
    return message_whole(message.type & 0xff, attributes) ? copy : std::vector<std::byte>();
}

}  // namespace netfilter

#include "netfilter/nft/decode.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "netfilter/expression/phrase.hpp"
#include "netfilter/netlink/handle.hpp"
#include "netfilter/netlink/trusted.hpp"
#include "netfilter/netlink/uapi.hpp"
// The libraries' headers come after the kernel's.
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>

namespace netfilter {
namespace {

bool is(const Message& message, int kind) {
    return message.type == (NFNL_SUBSYS_NFTABLES << 8 | kind) && message.bytes.size() >= body_offset;
}

// Whether the library could parse the message into `out`.
template <typename Object>
bool parse(const Message& message, int (*read)(const nlmsghdr*, Object*), Object* out) {
    const auto copy = trusted_copy(message);
    return !copy.empty() && read(reinterpret_cast<const nlmsghdr*>(copy.data()), out) >= 0;
}

bool same(const char* name, std::string_view table) {
    return name != nullptr && table == name;
}

// Empty where the library has no name.
std::string read_name(const char* name) {
    return name == nullptr ? std::string() : printable(name);
}

// The comment in an object's user data.
std::string read_comment(const void* data, std::uint32_t size) {
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    std::uint32_t at = 0;
    while (bytes != nullptr && at + 2 <= size && at + 2 + bytes[at + 1] <= size) {
        if (bytes[at] == 0) {
            const auto* text = reinterpret_cast<const char*>(bytes + at + 2);
            return printable(std::string(text, strnlen(text, bytes[at + 1])));
        }
        at += 2U + bytes[at + 1];
    }
    return {};
}

std::vector<KeyType> unpack(std::uint32_t type) {
    std::vector<KeyType> parts;
    for (; type != 0; type >>= 6) {
        parts.insert(parts.begin(), static_cast<KeyType>(type & 0x3f));
    }
    return parts;
}

Element read_element(nftnl_set_elem* in) {
    Element element;
    std::uint32_t size = 0;
    const auto* key = static_cast<const std::uint8_t*>(nftnl_set_elem_get(in, NFTNL_SET_ELEM_KEY, &size));
    if (key != nullptr) {
        element.key.append({key, std::min<std::size_t>(size, Key::size_max)});
    }
    // libnftnl's getters of numbers crash on missing attributes.
    if (nftnl_set_elem_is_set(in, NFTNL_SET_ELEM_VERDICT)) {
        element.verdict.code = static_cast<Verdict::Code>(nftnl_set_elem_get_u32(in, NFTNL_SET_ELEM_VERDICT));
    }
    if (nftnl_set_elem_is_set(in, NFTNL_SET_ELEM_CHAIN)) {
        element.verdict.chain = read_name(nftnl_set_elem_get_str(in, NFTNL_SET_ELEM_CHAIN));
    }
    if (nftnl_set_elem_is_set(in, NFTNL_SET_ELEM_DATA)) {
        const auto* data = static_cast<const std::uint8_t*>(nftnl_set_elem_get(in, NFTNL_SET_ELEM_DATA, &size));
        element.data.append({data, std::min<std::size_t>(size, Key::size_max)});
    }
    if (nftnl_set_elem_is_set(in, NFTNL_SET_ELEM_TIMEOUT)) {
        element.timeout = core::Milliseconds(nftnl_set_elem_get_u64(in, NFTNL_SET_ELEM_TIMEOUT));
    }
    if (nftnl_set_elem_is_set(in, NFTNL_SET_ELEM_EXPIRATION)) {
        element.expires = core::Milliseconds(nftnl_set_elem_get_u64(in, NFTNL_SET_ELEM_EXPIRATION));
    }
    if (nftnl_set_elem_is_set(in, NFTNL_SET_ELEM_USERDATA)) {
        const auto* data = nftnl_set_elem_get(in, NFTNL_SET_ELEM_USERDATA, &size);
        element.comment = read_comment(data, size);
    }
    nftnl_set_elem_expr_foreach(
        in,
        [](nftnl_expr* each, void* out) {
            if (std::string_view(nftnl_expr_get_str(each, NFTNL_EXPR_NAME)) == "counter") {
                static_cast<Element*>(out)->counts = Counts{nftnl_expr_get_u64(each, NFTNL_EXPR_CTR_PACKETS),
                                                            nftnl_expr_get_u64(each, NFTNL_EXPR_CTR_BYTES)};
            } else {
                static_cast<Element*>(out)->limits.push_back(decode(each));
            }
            return 0;
        },
        &element);
    return element;
}

}  // namespace

std::optional<Table> decode_table(const Message& message, std::string_view table) {
    Handle<nftnl_table, nftnl_table_free> in(nftnl_table_alloc());
    if (!is(message, NFT_MSG_NEWTABLE) || !parse(message, nftnl_table_nlmsg_parse, in.get()) ||
        !same(nftnl_table_get_str(in.get(), NFTNL_TABLE_NAME), table)) {
        return std::nullopt;
    }
    Table out{std::string(table), {}, nftnl_table_get_u32(in.get(), NFTNL_TABLE_FLAGS)};
    std::uint32_t size = 0;
    if (const auto* data = nftnl_table_get_data(in.get(), NFTNL_TABLE_USERDATA, &size); data != nullptr) {
        out.comment = read_comment(data, size);
    }
    return out;
}

std::optional<Chain> decode_chain(const Message& message, std::string_view table) {
    Handle<nftnl_chain, nftnl_chain_free> in(nftnl_chain_alloc());
    if (!is(message, NFT_MSG_NEWCHAIN) || !parse(message, nftnl_chain_nlmsg_parse, in.get()) ||
        !same(nftnl_chain_get_str(in.get(), NFTNL_CHAIN_TABLE), table)) {
        return std::nullopt;
    }
    Chain out{read_name(nftnl_chain_get_str(in.get(), NFTNL_CHAIN_NAME)), std::nullopt};
    if (nftnl_chain_is_set(in.get(), NFTNL_CHAIN_HOOKNUM)) {
        out.hook = Hook{static_cast<Hook::Place>(nftnl_chain_get_u32(in.get(), NFTNL_CHAIN_HOOKNUM)),
                        nftnl_chain_get_s32(in.get(), NFTNL_CHAIN_PRIO),
                        nftnl_chain_get_u32(in.get(), NFTNL_CHAIN_POLICY) == NF_ACCEPT,
                        read_name(nftnl_chain_get_str(in.get(), NFTNL_CHAIN_TYPE))};
    }
    return out;
}

std::optional<Rule> decode_rule(const Message& message, std::string_view table) {
    Handle<nftnl_rule, nftnl_rule_free> in(nftnl_rule_alloc());
    if (!is(message, NFT_MSG_NEWRULE)) {
        return std::nullopt;
    }
    // libnftnl fails on expressions that it does not know; the rule must stay visible all the same.
    if (!parse(message, nftnl_rule_nlmsg_parse, in.get())) {
        return Rule{"", {Foreign{"unknown"}}, ""};
    }
    if (!same(nftnl_rule_get_str(in.get(), NFTNL_RULE_TABLE), table)) {
        return std::nullopt;
    }
    Rule out{read_name(nftnl_rule_get_str(in.get(), NFTNL_RULE_CHAIN)), {}, {}};
    nftnl_expr_foreach(
        in.get(),
        [](nftnl_expr* each, void* rule) {
            static_cast<Rule*>(rule)->expressions.push_back(decode(each));
            return 0;
        },
        &out);
    std::uint32_t size = 0;
    if (const auto* data = nftnl_rule_get_data(in.get(), NFTNL_RULE_USERDATA, &size); data != nullptr) {
        out.comment = read_comment(data, size);
    }
    return out;
}

std::optional<Map> decode_map(const Message& message, std::string_view table) {
    Handle<nftnl_set, nftnl_set_free> in(nftnl_set_alloc());
    if (!is(message, NFT_MSG_NEWSET) || !parse(message, nftnl_set_nlmsg_parse, in.get()) ||
        !same(nftnl_set_get_str(in.get(), NFTNL_SET_TABLE), table)) {
        return std::nullopt;
    }
    Map out{read_name(nftnl_set_get_str(in.get(), NFTNL_SET_NAME)),
            unpack(nftnl_set_get_u32(in.get(), NFTNL_SET_KEY_TYPE)), nftnl_set_get_u32(in.get(), NFTNL_SET_FLAGS),
            false, false};
    if (nftnl_set_is_set(in.get(), NFTNL_SET_DESC_SIZE)) {
        out.size = nftnl_set_get_u32(in.get(), NFTNL_SET_DESC_SIZE);
    }
    if (nftnl_set_is_set(in.get(), NFTNL_SET_TIMEOUT)) {
        out.timeout = core::Milliseconds(nftnl_set_get_u64(in.get(), NFTNL_SET_TIMEOUT));
    }
    out.verdicts = (out.flags & NFT_SET_MAP) != 0 && nftnl_set_is_set(in.get(), NFTNL_SET_DATA_TYPE) &&
                   nftnl_set_get_u32(in.get(), NFTNL_SET_DATA_TYPE) == data_type_verdict;
    if ((out.flags & NFT_SET_MAP) != 0 && !out.verdicts && nftnl_set_is_set(in.get(), NFTNL_SET_DATA_TYPE)) {
        out.data = unpack(nftnl_set_get_u32(in.get(), NFTNL_SET_DATA_TYPE));
    }
    const bool holds_data = out.verdicts || !out.data.empty();
    out.flags &= ~static_cast<std::uint32_t>(holds_data ? NFT_SET_MAP : 0);
    nftnl_set_expr_foreach(
        in.get(),
        [](nftnl_expr* each, void* map) {
            static_cast<Map*>(map)->counters |=
                std::string_view(nftnl_expr_get_str(each, NFTNL_EXPR_NAME)) == "counter";
            return 0;
        },
        &out);
    return out;
}

bool decode_elements(const Message& message, std::vector<Element>& out) {
    Handle<nftnl_set, nftnl_set_free> in(nftnl_set_alloc());
    if (!is(message, NFT_MSG_NEWSETELEM) || !parse(message, nftnl_set_elems_nlmsg_parse, in.get())) {
        return false;
    }
    nftnl_set_elem_foreach(
        in.get(),
        [](nftnl_set_elem* each, void* list) {
            static_cast<std::vector<Element>*>(list)->push_back(read_element(each));
            return 0;
        },
        &out);
    return true;
}

std::optional<std::uint32_t> decode_generation(const Message& message) {
    if (!is(message, NFT_MSG_NEWGEN)) {
        return std::nullopt;
    }
    const auto* at = reinterpret_cast<const nlattr*>(message.bytes.data() + body_offset);
    auto left = static_cast<int>(message.bytes.size() - body_offset);
    for (; mnl_attr_ok(at, left); left -= MNL_ALIGN(at->nla_len), at = mnl_attr_next(at)) {
        if (mnl_attr_get_type(at) == NFTA_GEN_ID && mnl_attr_get_payload_len(at) == sizeof(std::uint32_t)) {
            return ntohl(mnl_attr_get_u32(at));
        }
    }
    return std::nullopt;
}

std::optional<std::uint16_t> message_generation(const Message& message) {
    if (message.type >> 8 != NFNL_SUBSYS_NFTABLES || message.bytes.size() < body_offset) {
        return std::nullopt;
    }
    nfgenmsg general{};
    std::memcpy(&general, message.bytes.data() + sizeof(nlmsghdr), sizeof general);
    return ntohs(general.res_id);
}

}  // namespace netfilter

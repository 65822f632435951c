#include "netfilter/nft/encode.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "core/base/verify.hpp"
#include "netfilter/netlink/handle.hpp"
#include "netfilter/netlink/uapi.hpp"
#include "netfilter/nft/data_map.hpp"
#include "netfilter/nft/encode_element.hpp"
// The libraries' headers come after the kernel's.
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>

namespace netfilter {
namespace {

// A list of elements is a netlink attribute of at most 64 KiB. An element takes at most 300 bytes: two long keys, a
// verdict with its chain, two times, a counter and 131 bytes of comment.
constexpr std::size_t elements_per_message = 200;
constexpr std::size_t scratch_max = 128 << 10;

using TableHandle = Handle<nftnl_table, nftnl_table_free>;
using ChainHandle = Handle<nftnl_chain, nftnl_chain_free>;
using RuleHandle = Handle<nftnl_rule, nftnl_rule_free>;
using SetHandle = Handle<nftnl_set, nftnl_set_free>;

SetHandle make_set(const std::string& table, const std::string& name) {
    SetHandle set(nftnl_set_alloc());
    nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, table.c_str());
    nftnl_set_set_str(set.get(), NFTNL_SET_NAME, name.c_str());
    return set;
}

// Writes messages one after the other. The libraries do not check the end of their buffer. So each message is made in a
// buffer larger than any message can be, and copied.
class Writer {
public:
    Writer(Batch& batch, const std::string& table, const EncodeOptions& options)
        : batch_(batch), table_(table), options_(options), scratch_(scratch_max), sequence_(options.first_sequence) {}

    void begin() {
        auto* header = nftnl_batch_begin(scratch_.data(), sequence_++);
        if (options_.generation) {
            mnl_attr_put_u32(header, NFNL_BATCH_GENID, htonl(*options_.generation));
        }
        append(header);
    }

    void end() {
        if (options_.commit) {
            auto* header = nftnl_batch_end(scratch_.data(), sequence_);
            if (options_.end_ack) {
                header->nlmsg_flags |= NLM_F_ACK;
                batch_.last_sequence = sequence_;
            }
            append(header);
        }
        if (!options_.commit || !options_.end_ack) {
            // Without an acknowledgement of the end, the last message's acknowledgement is used.
            VERIFY(!batch_.origins.empty());
            nlmsghdr last{};
            std::memcpy(&last, batch_.bytes.data() + batch_.origins.back().position, sizeof last);
            last.nlmsg_flags |= NLM_F_ACK;
            std::memcpy(batch_.bytes.data() + batch_.origins.back().position, &last, sizeof last);
            batch_.last_sequence = last.nlmsg_seq;
        }
    }

    void write(std::size_t operation, const Operation& value) {
        operation_ = operation;
        std::visit([this](const auto& each) { put(each); }, value);
    }

private:
    void put(const AddTable& add) {
        TableHandle table(nftnl_table_alloc());
        nftnl_table_set_str(table.get(), NFTNL_TABLE_NAME, add.table.name.c_str());
        nftnl_table_set_u32(table.get(), NFTNL_TABLE_FLAGS, add.table.flags);
        if (!add.table.comment.empty()) {
            const auto data = comment_data(add.table.comment);
            nftnl_table_set_data(table.get(), NFTNL_TABLE_USERDATA, data.data(),
                                 static_cast<std::uint32_t>(data.size()));
        }
        auto* header = message(NFT_MSG_NEWTABLE, NLM_F_CREATE);
        nftnl_table_nlmsg_build_payload(header, table.get());
        finish(header);
    }

    // "Add, then delete" deletes a table that may not exist, on every kernel.
    void put(const RemoveTable& remove) {
        TableHandle table(nftnl_table_alloc());
        nftnl_table_set_str(table.get(), NFTNL_TABLE_NAME, remove.name.c_str());
        auto* header = message(NFT_MSG_NEWTABLE, NLM_F_CREATE);
        nftnl_table_nlmsg_build_payload(header, table.get());
        finish(header);
        header = message(NFT_MSG_DELTABLE, 0);
        nftnl_table_nlmsg_build_payload(header, table.get());
        finish(header);
    }

    void put(const AddChain& add) {
        ChainHandle chain(nftnl_chain_alloc());
        nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TABLE, table_.c_str());
        nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_NAME, add.chain.name.c_str());
        if (const auto& hook = add.chain.hook) {
            nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TYPE, hook->type.c_str());
            nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_HOOKNUM, static_cast<std::uint32_t>(hook->place));
            nftnl_chain_set_s32(chain.get(), NFTNL_CHAIN_PRIO, hook->priority);
            nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_POLICY, hook->accept ? NF_ACCEPT : NF_DROP);
        }
        auto* header = message(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
        nftnl_chain_nlmsg_build_payload(header, chain.get());
        finish(header);
    }

    void put(const AddMap& add) {
        const auto& map = add.map;
        auto set = make_set(table_, map.name);
        const bool holds_data = map.verdicts || !map.data.empty();
        nftnl_set_set_u32(set.get(), NFTNL_SET_ID, ++set_id_);
        nftnl_set_set_u32(set.get(), NFTNL_SET_FAMILY, NFPROTO_INET);
        nftnl_set_set_u32(set.get(), NFTNL_SET_FLAGS, holds_data ? map.flags | NFT_SET_MAP : map.flags);
        nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_TYPE, pack_types(map.key));
        nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_LEN, key_size(map.key));
        if (map.verdicts) {
            nftnl_set_set_u32(set.get(), NFTNL_SET_DATA_TYPE, data_type_verdict);
            nftnl_set_set_u32(set.get(), NFTNL_SET_DATA_LEN, 16);
        }
        if (!map.data.empty()) {
            const auto described = describe_data_map(map);
            nftnl_set_set_u32(set.get(), NFTNL_SET_DATA_TYPE, pack_types(map.data));
            nftnl_set_set_u32(set.get(), NFTNL_SET_DATA_LEN, key_size(map.data));
            nftnl_set_set_data(set.get(), NFTNL_SET_USERDATA, described.data(),
                               static_cast<std::uint32_t>(described.size()));
        }
        if (map.size != 0) {
            nftnl_set_set_u32(set.get(), NFTNL_SET_DESC_SIZE, map.size);
        }
        if (map.timeout.count() != 0) {
            nftnl_set_set_u64(set.get(), NFTNL_SET_TIMEOUT, static_cast<std::uint64_t>(map.timeout.count()));
        }
        if (map.counters) {
            nftnl_set_add_expr(set.get(), nftnl_expr_alloc("counter"));
        }
        auto* header = message(NFT_MSG_NEWSET, NLM_F_CREATE);
        nftnl_set_nlmsg_build_payload(header, set.get());
        finish(header);
    }

    void put(const AddRule& add) {
        RuleHandle rule(nftnl_rule_alloc());
        nftnl_rule_set_u32(rule.get(), NFTNL_RULE_FAMILY, NFPROTO_INET);
        nftnl_rule_set_str(rule.get(), NFTNL_RULE_TABLE, table_.c_str());
        nftnl_rule_set_str(rule.get(), NFTNL_RULE_CHAIN, add.rule.chain.c_str());
        for (const auto& expression : add.rule.expressions) {
            nftnl_rule_add_expr(rule.get(), netfilter::encode(expression));
        }
        if (!add.rule.comment.empty()) {
            const auto data = comment_data(add.rule.comment);
            nftnl_rule_set_data(rule.get(), NFTNL_RULE_USERDATA, data.data(), static_cast<std::uint32_t>(data.size()));
        }
        auto* header = message(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
        nftnl_rule_nlmsg_build_payload(header, rule.get());
        finish(header);
    }

    void put(const AddElements& add) {
        put_elements(NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, add.map, add.elements);
    }

    void put(const RemoveElements& remove) {
        put_elements(options_.destroy ? msg_destroy_set_element : msg_delete_set_element, 0, remove.map, remove.keys);
    }

    template <typename Item>
    void put_elements(std::uint16_t kind, std::uint16_t flags, const Map& map, const std::vector<Item>& items) {
        for (std::size_t first = 0; first < items.size(); first += elements_per_message) {
            auto set = make_set(table_, map.name);
            const auto last = std::min(first + elements_per_message, items.size());
            for (auto i = first; i < last; ++i) {
                nftnl_set_elem_add(set.get(), encode_element(items[i], map));
            }
            auto* header = message(kind, flags);
            nftnl_set_elems_nlmsg_build_payload(header, set.get());
            finish(header, first);
        }
    }

    nlmsghdr* message(std::uint16_t kind, std::uint16_t flags) {
        return nftnl_nlmsg_build_hdr(scratch_.data(), kind, NFPROTO_INET, flags, sequence_++);
    }

    void finish(const nlmsghdr* header, std::size_t first_element = 0) {
        batch_.origins.push_back({operation_, first_element, batch_.bytes.size()});
        append(header);
    }

    void append(const nlmsghdr* header) {
        VERIFY(header->nlmsg_len <= scratch_.size());
        const auto* bytes = reinterpret_cast<const std::byte*>(header);
        batch_.bytes.insert(batch_.bytes.end(), bytes, bytes + NLMSG_ALIGN(header->nlmsg_len));
    }

    Batch& batch_;
    const std::string& table_;
    const EncodeOptions& options_;
    std::vector<char> scratch_;
    std::uint32_t sequence_;
    std::uint32_t set_id_ = 0;
    std::size_t operation_ = 0;
};

std::size_t count_elements(const Operation& operation) {
    if (const auto* add = std::get_if<AddElements>(&operation)) {
        return add->elements.size();
    }
    const auto* remove = std::get_if<RemoveElements>(&operation);
    return remove == nullptr ? 0 : remove->keys.size();
}

}  // namespace

Batch encode(const Transaction& transaction, const EncodeOptions& options) {
    Batch batch;
    batch.first_sequence = options.first_sequence;
    Writer writer(batch, transaction.table(), options);
    writer.begin();
    for (std::size_t i = 0; i < transaction.operations().size(); ++i) {
        writer.write(i, transaction.operations()[i]);
    }
    writer.end();
    return batch;
}

std::uint32_t count_sequences(const Transaction& transaction) {
    std::size_t count = 2;
    for (const auto& operation : transaction.operations()) {
        count += 2 + count_elements(operation) / elements_per_message;
    }
    return static_cast<std::uint32_t>(count);
}

std::optional<std::size_t> find_element(const Batch& batch, const Origin& origin, std::uint32_t offset) {
    const auto* header = reinterpret_cast<const nlmsghdr*>(batch.bytes.data() + origin.position);
    const auto* start = reinterpret_cast<const char*>(header);
    auto element = origin.first_element;
    const auto* end = start + header->nlmsg_len;
    const auto* at = reinterpret_cast<const nlattr*>(start + sizeof *header + sizeof(nfgenmsg));
    for (; mnl_attr_ok(at, static_cast<int>(end - reinterpret_cast<const char*>(at))); at = mnl_attr_next(at)) {
        if (mnl_attr_get_type(at) != NFTA_SET_ELEM_LIST_ELEMENTS) {
            continue;
        }
        const auto* list_end = reinterpret_cast<const char*>(at) + at->nla_len;
        const auto* item = static_cast<const nlattr*>(mnl_attr_get_payload(at));
        for (; mnl_attr_ok(item, static_cast<int>(list_end - reinterpret_cast<const char*>(item)));
             item = mnl_attr_next(item), ++element) {
            const auto from = reinterpret_cast<const char*>(item) - start;
            if (offset >= from && offset < from + item->nla_len) {
                return element;
            }
        }
    }
    return std::nullopt;
}

std::vector<std::byte> encode(const Request& request) {
    alignas(nlmsghdr) std::array<char, 2048> scratch{};
    auto* header = nftnl_nlmsg_build_hdr(scratch.data(), request.kind, NFPROTO_INET,
                                         request.dump ? NLM_F_DUMP : NLM_F_ACK, request.sequence);
    const std::string table(request.table);
    const std::string name(request.chain_or_map);
    if (request.kind == NFT_MSG_GETSETELEM) {
        auto set = make_set(table, name);
        if (request.key != nullptr) {
            nftnl_set_elem_add(set.get(), encode_element(*request.key, request.key->size));
        }
        nftnl_set_elems_nlmsg_build_payload(header, set.get());
    } else if (!table.empty()) {
        // The table's name is the same attribute number in tables, chains, rules and sets.
        static_assert(int{NFTA_TABLE_NAME} == int{NFTA_CHAIN_TABLE} && int{NFTA_RULE_TABLE} == int{NFTA_SET_TABLE});
        mnl_attr_put_strz(header, NFTA_TABLE_NAME, table.c_str());
    }
    const auto* bytes = reinterpret_cast<const std::byte*>(header);
    return {bytes, bytes + header->nlmsg_len};
}

}  // namespace netfilter

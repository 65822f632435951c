#include "netfilter/nft/snapshot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "netfilter/netlink/uapi.hpp"
#include "netfilter/nft/decode.hpp"
#include "netfilter/nft/encode.hpp"

namespace netfilter {
namespace {

// An attempt fails only when another program commits meanwhile. So many commits without a pause are a fault of the
// host.
constexpr int snapshot_attempts_max = 50;

core::Result<Replies> ask(Socket& socket, Request request) {
    request.sequence = socket.take_sequences(1);
    auto replies = socket.exchange(encode(request));
    if (replies && replies->overrun) {
        return core::fail("cannot read the nftables ruleset", "the answer did not fit the socket's buffer");
    }
    return replies;
}

// Reads a dump. Returns false when it is torn: a message of another generation, or no end.
template <typename Take>
core::Result<bool> dump(Socket& socket, Request request, std::uint32_t generation, Take take) {
    request.dump = true;
    const auto replies = ask(socket, request);
    if (!replies) {
        return tl::unexpected(replies.error());
    }
    bool whole = true;
    bool done = false;
    for (const auto& message : replies->messages()) {
        if (const auto ack = read_ack(message); ack && ack->os_error == ENOENT) {
            return false;  // the table or map was removed after we saw it
        } else if (ack && ack->os_error != 0) {
            return core::fail_os("cannot read the nftables ruleset", ack->os_error);
        }
        done = done || message.type == NLMSG_DONE;
        const auto at = message_generation(message);
        whole =
            whole && (message.flags & NLM_F_DUMP_INTR) == 0 && (!at || *at == static_cast<std::uint16_t>(generation));
        take(message);
    }
    return whole && done;
}

core::Result<std::optional<Table>> read_table(Socket& socket, std::string_view name) {
    const auto replies = ask(socket, {.kind = NFT_MSG_GETTABLE, .table = name});
    if (!replies) {
        return tl::unexpected(replies.error());
    }
    std::optional<Table> table;
    for (const auto& message : replies->messages()) {
        if (const auto ack = read_ack(message); ack && ack->os_error != 0 && ack->os_error != ENOENT) {
            const bool denied = ack->os_error == EPERM;
            return core::fail_os("cannot read the nftables ruleset", ack->os_error,
                                 denied ? "run as root or give the process CAP_NET_ADMIN" : "");
        }
        if (auto found = decode_table(message, name)) {
            table = std::move(found);
        }
    }
    return table;
}

// One attempt; false when it was torn.
core::Result<bool> read_all(Socket& socket, std::string_view name, Depth depth, Snapshot& out) {
    const auto chains =
        dump(socket, {.kind = NFT_MSG_GETCHAIN, .table = name}, out.generation, [&](const Message& each) {
            if (auto chain = decode_chain(each, name)) {
                out.chains.push_back(std::move(*chain));
            }
        });
    if (!chains || !*chains) {
        return chains;
    }
    const auto rules = dump(socket, {.kind = NFT_MSG_GETRULE, .table = name}, out.generation, [&](const Message& each) {
        if (auto rule = decode_rule(each, name)) {
            out.rules.push_back(std::move(*rule));
        }
    });
    if (!rules || !*rules) {
        return rules;
    }
    const auto maps = dump(socket, {.kind = NFT_MSG_GETSET, .table = name}, out.generation, [&](const Message& each) {
        if (auto map = decode_map(each, name)) {
            out.maps.push_back({std::move(*map), {}});
        }
    });
    if (!maps || !*maps || depth == Depth::structure) {
        return maps;
    }
    for (auto& [map, elements] : out.maps) {
        const Request request{.kind = NFT_MSG_GETSETELEM, .table = name, .chain_or_map = map.name};
        const auto read = dump(socket, request, out.generation,
                               [&list = elements](const Message& each) { decode_elements(each, list); });
        if (!read || !*read) {
            return read;
        }
    }
    return true;
}

// nft sorts what it prints; the kernel returns a map's elements in hash order. Our own maps stay unsorted: they may
// hold 100 000 elements.
std::vector<Element> in_order(const Contents& contents) {
    auto elements = contents.elements;
    if (!contents.map.verdicts) {
        std::sort(elements.begin(), elements.end(), [](const Element& a, const Element& b) { return a.key < b.key; });
    }
    return elements;
}

// The separator before an element. nft prints five ports or numbers in a line, or two IPv4 addresses, or one of
// anything else.
std::string_view separator(const Map& map, std::size_t before) {
    const bool single = map.key.size() == 1 && !map.verdicts;
    const auto type = single ? map.key.front() : KeyType::mark;
    const bool short_keys = type == KeyType::inet_service || type == KeyType::integer;
    const std::size_t per_line = short_keys ? 5 : type == KeyType::ipv4_addr ? 2 : 1;
    return before == 0 ? "" : before % per_line == 0 ? ",\n\t\t\t     " : ", ";
}

std::string print_map(const Contents& contents) {
    const auto& map = contents.map;
    const char* kind = map.verdicts || !map.data.empty() ? "map" : "set";
    std::string text = fmt::format("\t{} {} {{\n\t\t{}\n", kind, map.name, print_type(map));
    // nft sets the size of constant sets to their number of elements, and does not print it.
    text += map.size != 0 && (map.flags & NFT_SET_CONSTANT) == 0 ? fmt::format("\t\tsize {}\n", map.size) : "";
    if (const auto flags = print_flags(map); !flags.empty()) {
        text += fmt::format("\t\tflags {}\n", flags);
    }
    text += map.timeout.count() != 0 ? fmt::format("\t\ttimeout {}\n", print_timeout(map.timeout)) : "";
    text += map.counters ? "\t\tcounter\n" : "";
    if (!contents.elements.empty()) {
        std::string list;
        std::size_t count = 0;
        for (const auto& element : in_order(contents)) {
            list += separator(map, count++);
            list += element.text(map);
        }
        text += fmt::format("\t\telements = {{ {} }}\n", list);
    }
    return text + "\t}\n";
}

}  // namespace

std::string Snapshot::text() const {
    if (!table) {
        return {};
    }
    std::string text = fmt::format("table inet {} {{\n", table->name);
    if (!table->comment.empty()) {
        text += fmt::format("\tcomment \"{}\"\n", table->comment);
    }
    if ((table->flags & NFT_TABLE_F_DORMANT) != 0) {
        text += "\tflags dormant\n";
    }
    bool first = true;
    const auto separate = [&] { text += std::exchange(first, false) ? "" : "\n"; };
    for (const auto& contents : maps) {
        separate();
        text += print_map(contents);
    }
    for (const auto& chain : chains) {
        separate();
        text += fmt::format("\tchain {} {{\n", chain.name);
        text += chain.hook ? fmt::format("\t\t{}\n", print_hook(*chain.hook)) : "";
        for (const auto& rule : rules) {
            text += rule.chain == chain.name ? fmt::format("\t\t{}\n", rule.text()) : "";
        }
        text += "\t}\n";
    }
    return text + "}\n";
}

core::Result<std::uint32_t> read_generation(Socket& socket) {
    const auto replies = ask(socket, {.kind = NFT_MSG_GETGEN});
    if (!replies) {
        return tl::unexpected(replies.error());
    }
    for (const auto& message : replies->messages()) {
        if (const auto generation = decode_generation(message)) {
            return *generation;
        }
        if (const auto ack = read_ack(message); ack && ack->os_error != 0) {
            return core::fail_os("cannot read the generation of the nftables ruleset", ack->os_error);
        }
    }
    return core::fail("cannot read the generation of the nftables ruleset", "the kernel did not answer",
                      "the kernel needs nf_tables (CONFIG_NF_TABLES)");
}

core::Result<Snapshot> take_snapshot(Socket& socket, std::string_view table, Depth depth) {
    for (int attempt = 0; attempt < snapshot_attempts_max; ++attempt) {
        Snapshot snapshot;
        const auto before = read_generation(socket);
        if (!before) {
            return tl::unexpected(before.error());
        }
        snapshot.generation = *before;
        auto found = read_table(socket, table);
        if (!found) {
            return tl::unexpected(found.error());
        }
        snapshot.table = std::move(*found);
        const auto whole = snapshot.table ? read_all(socket, table, depth, snapshot) : core::Result<bool>(true);
        if (!whole) {
            return tl::unexpected(whole.error());
        }
        const auto after = read_generation(socket);
        if (!after) {
            return tl::unexpected(after.error());
        }
        if (*whole && *after == *before) {
            return snapshot;
        }
    }
    return core::fail("cannot read the nftables ruleset", "it changed during every one of our reads",
                      "find the program that changes it all the time: nft monitor");
}

core::Result<std::optional<Element>> read_element(Socket& socket, std::string_view table, std::string_view map,
                                                  const Key& key) {
    const auto replies = ask(socket, {.kind = NFT_MSG_GETSETELEM, .table = table, .chain_or_map = map, .key = &key});
    if (!replies) {
        return tl::unexpected(replies.error());
    }
    std::vector<Element> elements;
    for (const auto& message : replies->messages()) {
        if (const auto ack = read_ack(message); ack && ack->os_error != 0 && ack->os_error != ENOENT) {
            return core::fail_os("cannot read an element of an nftables map", ack->os_error);
        }
        decode_elements(message, elements);
    }
    return elements.empty() ? std::nullopt : std::optional(std::move(elements.front()));
}

}  // namespace netfilter

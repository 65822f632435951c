// Snapshot: the kernel's contents of one table, all of one generation. nf_tables does not report a dump that a change
// has torn: it never sets NLM_F_DUMP_INTR on elements. So every message's generation is compared.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "netfilter/netlink/socket.hpp"
#include "netfilter/nft/objects.hpp"

namespace netfilter {

struct Contents {
    Map map;
    std::vector<Element> elements;
};

struct Snapshot {
    std::uint32_t generation = 0;
    std::optional<Table> table;  // empty: there is no such table, and the rest is empty
    std::vector<Chain> chains;
    std::vector<Rule> rules;  // in order within each chain
    std::vector<Contents> maps;

    // What `nft list table` prints; empty without a table.
    [[nodiscard]] std::string text() const;
};

enum class Depth { structure, elements };  // `structure` leaves the maps' elements out

// Repeats the read when the ruleset changes meanwhile. Errors: netlink refuses; it changes all the time.
[[nodiscard]] core::Result<Snapshot> take_snapshot(Socket& socket, std::string_view table, Depth depth);

// The ruleset's generation: every program's commit raises it, an element's expiry does not.
[[nodiscard]] core::Result<std::uint32_t> read_generation(Socket& socket);

// One element; empty when it, its map or the table does not exist.
[[nodiscard]] core::Result<std::optional<Element>> read_element(Socket& socket, std::string_view table,
                                                                std::string_view map, const Key& key);

}  // namespace netfilter

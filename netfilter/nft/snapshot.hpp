// Snapshot: what the kernel holds of one table, all of one generation. nf_tables does not say when a dump was torn by
// a change in between (it never sets NLM_F_DUMP_INTR on elements), so every message's generation is compared.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "netfilter/nft/objects.hpp"
#include "netfilter/netlink/socket.hpp"

namespace netfilter {

struct Contents {
    Map map;
    std::vector<Element> elements;
};

struct Snapshot {
    std::uint32_t generation = 0;
    std::optional<Table> table;  // nothing: there is no such table, and the rest is empty
    std::vector<Chain> chains;
    std::vector<Rule> rules;  // in order within each chain
    std::vector<Contents> maps;

    // What `nft list table` prints; empty without a table.
    [[nodiscard]] std::string text() const;
};

enum class Depth { structure, elements };  // `structure` leaves the maps' elements out

// Reads again when the ruleset changes while reading. Errors: netlink refuses; it changes all the time.
[[nodiscard]] core::Result<Snapshot> take_snapshot(Socket& socket, std::string_view table, Depth depth);

// The ruleset's generation: every commit by anybody raises it, an element's expiry does not.
[[nodiscard]] core::Result<std::uint32_t> read_generation(Socket& socket);

// One element; nothing when it, its map or the table is not there.
[[nodiscard]] core::Result<std::optional<Element>> read_element(Socket& socket, std::string_view table,
                                                                std::string_view map, const Key& key);

}  // namespace netfilter

// The objects of nf_tables: table, chain, rule, verdict map, element. Values that compare, and print as nft text. All
// are of family inet, the only one that Gatehouse uses. Transactions take them to the kernel, snapshots return them.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/duration.hpp"
#include "netfilter/expression/expression.hpp"

namespace netfilter {

struct Table {
    std::string name;
    std::string comment;
    std::uint32_t flags = 0;  // NFT_TABLE_F_*; 1 is dormant
    friend bool operator==(const Table&, const Table&) = default;
};

// The hook of a base chain. The kernel's numbers: hooks NF_INET_*, policy NF_DROP or NF_ACCEPT.
struct Hook {
    enum class Place : std::uint32_t { prerouting = 0, input = 1, forward = 2, output = 3, postrouting = 4 };
    Place place = Place::output;
    std::int32_t priority = 0;
    bool accept = true;  // policy
    std::string type = "filter";
    friend bool operator==(const Hook&, const Hook&) = default;
};

struct Chain {
    std::string name;
    std::optional<Hook> hook;
    friend bool operator==(const Chain&, const Chain&) = default;
};

struct Rule {
    std::string chain;
    std::vector<Expression> expressions;
    std::string comment;
    friend bool operator==(const Rule&, const Rule&) = default;
    // Without the chain: "ip daddr . meta l4proto . th dport vmap @all4 goto deny-reset".
    [[nodiscard]] std::string text() const;
};

// The type of one part of a concatenated key. nft's own numbers, which the kernel stores beside the key.
enum class KeyType : std::uint8_t {
    integer = 4,
    ipv4_addr = 7,
    ipv6_addr = 8,
    inet_proto = 12,
    inet_service = 13,
    mark = 19
};

struct Map {
    std::string name;
    std::vector<KeyType> key;
    std::uint32_t flags = 0;        // NFT_SET_*, without the bits that the kernel adds
    bool counters = false;          // every element counts its hits
    bool verdicts = true;           // false for a plain set, and for another program's data map
    std::uint32_t size = 0;         // the most elements; 0: no limit
    core::Milliseconds timeout{0};  // of elements without one of their own; 0: they stay
    std::vector<KeyType> data{};    // the types of the values; empty in a map of verdicts and in a set
    friend bool operator==(const Map&, const Map&) = default;
};

// A key in the kernel's form: each part big endian (an integer in host byte order), padded to four bytes.
struct Key {
    static constexpr std::size_t size_max = 64;  // NFT_DATA_VALUE_MAXLEN
    std::array<std::uint8_t, size_max> bytes{};
    std::uint8_t size = 0;

    void append(std::span<const std::uint8_t> part);
    friend auto operator<=>(const Key&, const Key&) = default;
};

struct Counts {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    friend bool operator==(const Counts&, const Counts&) = default;
};

struct Element {
    Key key;
    Verdict verdict;
    std::optional<core::Milliseconds> timeout;  // as set
    std::optional<core::Milliseconds> expires;  // the time left
    std::optional<Counts> counts;
    std::string comment;             // at most 128 bytes, no quotes: nft's own limits
    std::vector<Expression> limits;  // made by a rule (dynset.hpp); read, never written
    Key data{};                      // in a map of data

    // "10.0.0.1 . tcp . 80 counter packets 0 bytes 0 timeout 30s comment "x" : goto deny-reset".
    [[nodiscard]] std::string text(const Map& map) const;
};

inline constexpr std::size_t comment_max = 128;  // NFTNL_UDATA_COMMENT_MAXLEN, checked by nft

[[nodiscard]] std::string print_key(const Key& key, const std::vector<KeyType>& types);
// In nft's format: "1m30s", "29s996ms".
[[nodiscard]] std::string print_timeout(core::Milliseconds timeout);
// "type filter hook output priority filter - 5; policy accept;".
[[nodiscard]] std::string print_hook(const Hook& hook);
// "type ipv4_addr . inet_proto . inet_service : verdict". A map of data has numgen's number as key, and an address and
// a port as data. nft has no name for numgen's type, so both are printed as an example ("typeof").
[[nodiscard]] std::string print_type(const Map& map);
// "dynamic,timeout"; empty without flags.
[[nodiscard]] std::string print_flags(const Map& map);

}  // namespace netfilter

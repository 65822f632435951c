// The configuration file as a plain tree of values with their places. It keeps the TOML library behind tree.cpp: what
// reads the configuration sees only this, and a test can say exactly which line and column it complains about.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "appliance/config/file/problem.hpp"

namespace appliance::config {

enum class Kind { text, number, flag, list, table, other };

// "a string", "a number", ... for messages.
std::string_view print(Kind kind) noexcept;

struct Entry;

struct Node {
    Kind kind = Kind::other;
    Position at;
    std::string text;
    std::int64_t number = 0;
    bool flag = false;
    std::vector<Node> list;
    std::vector<Entry> table;  // in the order of the file
};

struct Entry {
    std::string key;
    Position at;  // of the key
    Node value;
};

// Parses TOML 1.0. Returns the root table, or the first thing that is not TOML (the library stops there), which
// includes a key or table given twice.
tl::expected<Node, Problem> read_tree(std::string_view text, const std::string& file);

}  // namespace appliance::config

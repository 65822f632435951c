// The configuration file as a plain tree of values with their places. It keeps the TOML library behind tree.cpp:
// readers of the configuration see only this. A test can compare the line and column of each problem.
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

// Parses TOML 1.0. Returns the root table, or the first thing that is not TOML; the library stops there. A key or table
// given twice is not TOML.
tl::expected<Node, Problem> read_tree(std::string_view text, const std::string& file);

}  // namespace appliance::config

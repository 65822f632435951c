// Problem: one thing that is wrong with a configuration, as an operator reads it. Loading returns a list of them
// instead of a configuration: all that it could find, so that an operator mends them together.
#pragma once

#include <compare>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace appliance::config {

// A place in the file; both count from 1, and line 0 means the file as a whole.
struct Position {
    unsigned line = 0;
    unsigned column = 0;

    friend auto operator<=>(const Position&, const Position&) = default;
};

struct Problem {
    std::string file;
    unsigned line = 0;  // 0: the file as a whole
    unsigned column = 0;
    std::string what;
    std::string mend;

    // "gatehouse.toml:12:1: what; mend", without the position where it is the file as a whole.
    [[nodiscard]] std::string text() const;

    friend bool operator==(const Problem&, const Problem&) = default;
};

using Problems = std::vector<Problem>;

// Control characters become question marks: a quoted key may hold anything, and a problem is one line on a terminal.
std::string printable(std::string text);

// Collects the problems of one file, and which keys its reader has asked for.
class Report {
public:
    explicit Report(std::string file) : file_(std::move(file)) {}

    void add(Position at, std::string what, std::string mend);
    // The reader has asked for a key of a table, such as "[listen.web]", whether the file has it or not.
    void add_key(const std::string& table, std::string_view key) { keys_[table].emplace(key); }
    // The keys that were asked for, by table.
    [[nodiscard]] const std::map<std::string, std::set<std::string>>& keys() const noexcept { return keys_; }
    [[nodiscard]] bool empty() const noexcept { return problems_.empty(); }
    // The problems in the order of the file. Empties the report.
    [[nodiscard]] Problems take();

private:
    std::string file_;
    Problems problems_;
    std::map<std::string, std::set<std::string>> keys_;
};

}  // namespace appliance::config

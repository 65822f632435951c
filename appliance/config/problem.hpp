// Problem: one thing that is wrong with a configuration, as an operator reads it. A list of them is what loading says
// instead of a configuration: all that could be found in one go, so that nobody mends a file one error at a time.
#pragma once

#include <compare>
#include <string>
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

// Control characters become question marks: a quoted key may hold anything, and a problem is one line on somebody's
// terminal.
std::string printable(std::string text);

// Collects the problems of one file.
class Report {
public:
    explicit Report(std::string file) : file_(std::move(file)) {}

    void add(Position at, std::string what, std::string mend);
    [[nodiscard]] bool empty() const noexcept { return problems_.empty(); }
    // The problems in the order of the file. Empties the report.
    [[nodiscard]] Problems take();

private:
    std::string file_;
    Problems problems_;
};

}  // namespace appliance::config

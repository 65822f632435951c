#include "appliance/config/file/problem.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace appliance::config {

std::string printable(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    return text;
}

std::string Problem::text() const {
    std::string place = line == 0 ? file : fmt::format("{}:{}:{}", file, line, column);
    return mend.empty() ? fmt::format("{}: {}", place, what) : fmt::format("{}: {}; {}", place, what, mend);
}

void Report::add(Position at, std::string what, std::string mend) {
    problems_.push_back({file_, at.line, at.column, printable(std::move(what)), printable(std::move(mend))});
}

Problems Report::take() {
    std::stable_sort(problems_.begin(), problems_.end(), [](const Problem& left, const Problem& right) {
        return Position{left.line, left.column} < Position{right.line, right.column};
    });
    return std::exchange(problems_, {});
}

}  // namespace appliance::config

#include "appliance/config/values/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <numeric>
#include <vector>

namespace appliance::config {
namespace {

constexpr std::size_t listed_max = 12;

char lower(char letter) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
}

// Damerau's distance in its restricted form (no substring is edited twice), with three rows instead of a matrix.
std::size_t distance(std::string_view left, std::string_view right) {
    std::vector<std::size_t> before(right.size() + 1);
    std::vector<std::size_t> above(right.size() + 1);
    std::vector<std::size_t> row(right.size() + 1);
    std::iota(above.begin(), above.end(), std::size_t{0});
    for (std::size_t i = 1; i <= left.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= right.size(); ++j) {
            const bool same = lower(left[i - 1]) == lower(right[j - 1]);
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
            if (i > 1 && j > 1 && lower(left[i - 1]) == lower(right[j - 2]) &&
                lower(left[i - 2]) == lower(right[j - 1])) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
        std::swap(before, above);
        std::swap(above, row);
    }
    return above[right.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
    // A third of the word may be wrong; beyond that a suggestion confuses more than it helps.
    std::size_t best = std::max<std::size_t>(1, word.size() / 3) + 1;
    std::string_view found;
    for (const std::string_view candidate : candidates) {
        const std::size_t size_gap = std::max(word.size(), candidate.size()) - std::min(word.size(), candidate.size());
        if (size_gap >= best) {
            continue;
        }
        const std::size_t away = distance(word, candidate);
        if (away < best) {
            best = away;
            found = candidate;
        }
    }
    return found;
}

std::string suggest(std::string_view word, std::span<const std::string_view> candidates, std::string_view what) {
    if (candidates.empty()) {
        return fmt::format("there are no {}", what);
    }
    if (const auto near = nearest(word, candidates); !near.empty()) {
        return fmt::format("did you mean '{}'?", near);
    }
    const auto listed = candidates.first(std::min(candidates.size(), listed_max));
    return fmt::format("known {}: {}{}", what, fmt::join(listed, ", "),
                       listed.size() < candidates.size() ? ", ..." : "");
}

}  // namespace appliance::config

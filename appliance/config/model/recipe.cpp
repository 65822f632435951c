#include "appliance/config/model/recipe.hpp"

#include <algorithm>
#include <charconv>

namespace appliance::config {

std::optional<Batch> parse_batch(std::string_view text) {
    Batch batch;
    batch.percent = text.ends_with('%');
    const std::string_view digits = batch.percent ? text.substr(0, text.size() - 1) : text;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), batch.count);
    const bool whole = error == std::errc() && end == digits.data() + digits.size();
    return whole && batch.count >= 1 && batch.count <= (batch.percent ? 100U : 256U) ? std::optional(batch)
                                                                                     : std::nullopt;
}

std::size_t Batch::of(std::size_t servers) const {
    return percent ? std::max<std::size_t>(1, servers * count / 100) : count;
}

}  // namespace appliance::config

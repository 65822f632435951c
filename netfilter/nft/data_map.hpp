// What nft must find beside a map of data to print it in a form that it can read again. Used by encode.cpp.
#pragma once

#include <cstdint>
#include <vector>

#include "netfilter/nft/objects.hpp"

namespace netfilter {

// The user data of a map from numgen's numbers to "ip daddr . tcp dport" (or ip6). The kernel keeps it unread.
[[nodiscard]] std::vector<std::uint8_t> describe_data_map(const Map& map);

}  // namespace netfilter

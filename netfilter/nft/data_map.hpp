// The user data that nft needs to print a map of data so that it can read it again. Used by encode.cpp.
#pragma once

#include <cstdint>
#include <vector>

#include "netfilter/nft/objects.hpp"

namespace netfilter {

// The user data of a map from numgen's numbers to "ip daddr . tcp dport" (or ip6). The kernel stores it unread.
[[nodiscard]] std::vector<std::uint8_t> describe_data_map(const Map& map);

}  // namespace netfilter

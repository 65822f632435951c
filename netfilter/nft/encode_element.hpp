// The contents of maps and sets as libnftnl objects: keys, data, comments. Used by encode.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "netfilter/nft/objects.hpp"

struct nftnl_set_elem;

namespace netfilter {

// The user data of an object that has a comment of at most comment_max bytes.
[[nodiscard]] std::vector<std::uint8_t> comment_data(const std::string& comment);

// The types of a concatenation, packed into nft's single number.
[[nodiscard]] std::uint32_t pack_types(const std::vector<KeyType>& parts);
// Bytes in the kernel: only the parts of a concatenation are padded to four. A single part has the size of its type.
[[nodiscard]] std::uint32_t key_size(const std::vector<KeyType>& parts);

// New elements, owned by the caller. `size`: bytes of the key, at most Key::size_max.
[[nodiscard]] nftnl_set_elem* encode_element(const Key& key, std::uint32_t size);
[[nodiscard]] nftnl_set_elem* encode_element(const Key& key, const Map& map);
[[nodiscard]] nftnl_set_elem* encode_element(const Element& element, const Map& map);

}  // namespace netfilter

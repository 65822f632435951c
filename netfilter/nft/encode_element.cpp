#include "netfilter/nft/encode_element.hpp"

#include <algorithm>

#include "core/base/verify.hpp"
#include "netfilter/netlink/uapi.hpp"
// The libraries' headers come after the kernel's.
#include <libnftnl/expr.h>
#include <libnftnl/set.h>

namespace netfilter {

// Type 0, length with the closing zero, text.
std::vector<std::uint8_t> comment_data(const std::string& comment) {
    VERIFY(comment.size() <= comment_max);
    std::vector<std::uint8_t> data(2 + comment.size() + 1, 0);
    data[1] = static_cast<std::uint8_t>(comment.size() + 1);
    std::copy(comment.begin(), comment.end(), data.begin() + 2);
    return data;
}

// Six bits each.
std::uint32_t pack_types(const std::vector<KeyType>& parts) {
    std::uint32_t type = 0;
    for (const auto part : parts) {
        type = type << 6 | static_cast<std::uint32_t>(part);
    }
    return type;
}

std::uint32_t key_size(const std::vector<KeyType>& parts) {
    std::uint32_t size = 0;
    for (const auto part : parts) {
        size += part == KeyType::ipv6_addr ? 16 : 4;
    }
    if (parts.size() == 1 && parts.front() == KeyType::inet_service) {
        return 2;
    }
    return parts.size() == 1 && parts.front() == KeyType::inet_proto ? 1 : size;
}

nftnl_set_elem* encode_element(const Key& key, std::uint32_t size) {
    auto* out = nftnl_set_elem_alloc();
    VERIFY(out != nullptr && size <= Key::size_max);
    nftnl_set_elem_set(out, NFTNL_SET_ELEM_KEY, key.bytes.data(), size);
    return out;
}

nftnl_set_elem* encode_element(const Key& key, const Map& map) {
    return encode_element(key, key_size(map.key));
}

nftnl_set_elem* encode_element(const Element& element, const Map& map) {
    auto* out = encode_element(element.key, map);
    if (map.verdicts) {
        nftnl_set_elem_set_u32(out, NFTNL_SET_ELEM_VERDICT, static_cast<std::uint32_t>(element.verdict.code));
    }
    if (map.verdicts && !element.verdict.chain.empty()) {
        nftnl_set_elem_set_str(out, NFTNL_SET_ELEM_CHAIN, element.verdict.chain.c_str());
    }
    if (!map.data.empty()) {
        nftnl_set_elem_set(out, NFTNL_SET_ELEM_DATA, element.data.bytes.data(), element.data.size);
    }
    if (element.timeout) {
        nftnl_set_elem_set_u64(out, NFTNL_SET_ELEM_TIMEOUT, static_cast<std::uint64_t>(element.timeout->count()));
    }
    if (element.expires) {
        nftnl_set_elem_set_u64(out, NFTNL_SET_ELEM_EXPIRATION, static_cast<std::uint64_t>(element.expires->count()));
    }
    if (!element.comment.empty()) {
        const auto data = comment_data(element.comment);
        nftnl_set_elem_set(out, NFTNL_SET_ELEM_USERDATA, data.data(), static_cast<std::uint32_t>(data.size()));
    }
    if (element.counts) {
        auto* counter = nftnl_expr_alloc("counter");
        VERIFY(counter != nullptr);
        nftnl_expr_set_u64(counter, NFTNL_EXPR_CTR_PACKETS, element.counts->packets);
        nftnl_expr_set_u64(counter, NFTNL_EXPR_CTR_BYTES, element.counts->bytes);
        nftnl_set_elem_add_expr(out, counter);
    }
    return out;
}

}  // namespace netfilter

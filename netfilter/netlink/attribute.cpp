#include "netfilter/netlink/attribute.hpp"

#include <linux/netlink.h>

namespace netfilter {

std::optional<std::span<const std::byte>> find_attribute(std::span<const std::byte> bytes, std::uint16_t type) {
    while (bytes.size() >= sizeof(nlattr)) {
        nlattr header{};
        std::memcpy(&header, bytes.data(), sizeof header);
        if (header.nla_len < sizeof header || header.nla_len > bytes.size()) {
            return std::nullopt;
        }
        if ((header.nla_type & NLA_TYPE_MASK) == type) {
            return bytes.subspan(sizeof header, header.nla_len - sizeof header);
        }
        const std::size_t step = NLA_ALIGN(header.nla_len);
        bytes = bytes.subspan(step < bytes.size() ? step : bytes.size());
    }
    return std::nullopt;
}

}  // namespace netfilter

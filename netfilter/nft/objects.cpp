#include "netfilter/nft/objects.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/base/verify.hpp"
#include "netfilter/model/protocol_name.hpp"
#include "netfilter/netlink/uapi.hpp"

namespace netfilter {
namespace {

struct TypeTrait {
    const char* name;
    std::size_t size;  // padded, as in a key
};

TypeTrait trait(KeyType type) {
    switch (type) {
        case KeyType::ipv4_addr:
            return {"ipv4_addr", 4};
        case KeyType::ipv6_addr:
            return {"ipv6_addr", 16};
        case KeyType::inet_proto:
            return {"inet_proto", 4};
        case KeyType::inet_service:
            return {"inet_service", 4};
        case KeyType::mark:
            return {"mark", 4};
        case KeyType::integer:
            return {"integer", 4};
    }
    return {"unknown", Key::size_max};
}

std::string part_text(KeyType type, std::span<const std::uint8_t> bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    switch (type) {
        case KeyType::ipv4_addr:
            return inet_ntop(AF_INET, bytes.data(), text.data(), text.size());
        case KeyType::ipv6_addr:
            return inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
        case KeyType::inet_proto:
            return protocol_name(bytes[0]);
        case KeyType::inet_service:
            return fmt::format("{}", bytes[0] << 8 | bytes[1]);
        case KeyType::integer: {
            std::uint32_t number = 0;
            std::memcpy(&number, bytes.data(), sizeof number);
            return fmt::format("{}", number);
        }
        case KeyType::mark:
            break;
        default:  // the kernel's number, of a type that has a name in nft but not here
            break;
    }
    std::string hex = "0x";
    for (const auto byte : bytes) {
        hex += fmt::format("{:02x}", byte);
    }
    return hex;
}

}  // namespace

std::string Rule::text() const {
    auto line = print(expressions);
    if (!comment.empty()) {
        line += fmt::format(" comment \"{}\"", comment);
    }
    return line;
}

void Key::append(std::span<const std::uint8_t> part) {
    const std::size_t padded = (part.size() + 3) / 4 * 4;
    VERIFY(size + padded <= size_max);
    std::copy(part.begin(), part.end(), bytes.begin() + size);
    size = static_cast<std::uint8_t>(size + padded);
}

std::string Element::text(const Map& map) const {
    std::string line = print_key(key, map.key);
    if (counts) {
        line += fmt::format(" counter packets {} bytes {}", counts->packets, counts->bytes);
    }
    if (!limits.empty()) {
        line += " " + print(limits);
    }
    if (timeout) {
        line += " timeout " + print_timeout(*timeout);
    }
    if (expires) {
        line += " expires " + print_timeout(*expires);
    }
    if (!comment.empty()) {
        line += fmt::format(" comment \"{}\"", comment);
    }
    if (!map.data.empty()) {
        line += " : " + print_key(data, map.data);
    }
    return map.verdicts ? line + " : " + verdict.text() : line;
}

std::string print_key(const Key& key, const std::vector<KeyType>& types) {
    std::string line;
    std::size_t at = 0;
    const std::span<const std::uint8_t> all(key.bytes.data(), key.size);
    for (const auto type : types) {
        const auto size = std::min(trait(type).size, all.size() - at);
        if (size < 4 || (type == KeyType::ipv6_addr && size < 16)) {
            break;  // another program's map: its types say more than a key holds
        }
        line += line.empty() ? "" : " . ";
        line += part_text(type, all.subspan(at, size));
        at += size;
    }
    return line;
}

std::string print_timeout(core::Milliseconds timeout) {
    auto left = std::max<std::int64_t>(timeout.count(), 0);
    std::string text;
    constexpr std::array<std::pair<std::int64_t, const char*>, 5> units{
        {{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1'000, "s"}, {1, "ms"}}};
    for (const auto& [unit, name] : units) {
        if (left >= unit) {
            text += fmt::format("{}{}", left / unit, name);
            left %= unit;
        }
    }
    return text.empty() ? "0s" : text;
}

std::string print_hook(const Hook& hook) {
    constexpr std::array<const char*, 5> places{"prerouting", "input", "forward", "output", "postrouting"};
    const auto place = static_cast<std::size_t>(hook.place);
    // nft prints priorities near a well-known one relative to that.
    std::string priority = fmt::format("{}", hook.priority);
    if (hook.priority == 0) {
        priority = "filter";
    } else if (hook.priority == -100 && hook.place == Hook::Place::prerouting) {
        priority = "dstnat";
    } else if (hook.priority == 100 && hook.place == Hook::Place::postrouting) {
        priority = "srcnat";
    } else if (std::abs(hook.priority) <= 10) {
        priority = fmt::format("filter {} {}", hook.priority < 0 ? '-' : '+', std::abs(hook.priority));
    }
    return fmt::format("type {} hook {} priority {}; policy {};", hook.type,
                       place < places.size() ? places.at(place) : "unknown", priority, hook.accept ? "accept" : "drop");
}

std::string print_type(const Map& map) {
    if (!map.data.empty()) {
        const char* address = map.data.front() == KeyType::ipv4_addr ? "ip" : "ip6";
        return fmt::format("typeof numgen inc mod 256 : {} daddr . tcp dport", address);
    }
    std::string line = "type";
    for (std::size_t i = 0; i < map.key.size(); ++i) {
        line += i == 0 ? " " : " . ";
        line += trait(map.key[i]).name;
    }
    return map.verdicts ? line + " : verdict" : line;
}

std::string print_flags(const Map& map) {
    constexpr std::array<std::pair<std::uint32_t, const char*>, 4> names{{{NFT_SET_CONSTANT, "constant"},
                                                                          {NFT_SET_EVAL, "dynamic"},
                                                                          {NFT_SET_INTERVAL, "interval"},
                                                                          {NFT_SET_TIMEOUT, "timeout"}}};
    std::string line;
    for (const auto& [bit, name] : names) {
        if ((map.flags & bit) != 0) {
            line += line.empty() ? "" : ",";
            line += name;
        }
    }
    return line;
}

}  // namespace netfilter

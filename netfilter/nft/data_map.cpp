#include "netfilter/nft/data_map.hpp"

#include <cstring>

#include "core/base/verify.hpp"

namespace netfilter {
namespace {

using Bytes = std::vector<std::uint8_t>;

// nft's own numbers (its src/set.c, src/expression.c and src/proto.c). nft cannot change them, because kernels hold old
// rulesets. tests/netfilter/redirector_test.cpp checks them by round trips through nft.
constexpr std::uint8_t key_byte_order = 0;
constexpr std::uint8_t data_byte_order = 1;
constexpr std::uint8_t key_typeof = 3;
constexpr std::uint8_t data_typeof = 4;
constexpr std::uint8_t data_interval = 6;
constexpr std::uint32_t host_order = 1;
constexpr std::uint32_t expression_payload = 7;
constexpr std::uint32_t expression_concat = 13;
constexpr std::uint32_t expression_numgen = 23;
constexpr std::uint32_t protocol_tcp = 8;
constexpr std::uint32_t protocol_ip = 12;
constexpr std::uint32_t protocol_ip6 = 13;
constexpr std::uint32_t field_dport = 2;
constexpr std::uint32_t field_daddr = 12;
constexpr std::uint32_t field_daddr6 = 9;

// One value: type, length, bytes.
void put(Bytes& out, std::uint8_t type, const Bytes& value) {
    VERIFY(value.size() < 256);
    out.push_back(type);
    out.push_back(static_cast<std::uint8_t>(value.size()));
    out.insert(out.end(), value.begin(), value.end());
}

void put(Bytes& out, std::uint8_t type, std::uint32_t number) {
    Bytes bytes(sizeof number);
    std::memcpy(bytes.data(), &number, sizeof number);
    put(out, type, bytes);
}

// An expression: its kind, and that kind's parameters.
Bytes expression(std::uint32_t kind, const Bytes& inner) {
    Bytes out;
    put(out, 0, kind);
    put(out, 1, inner);
    return out;
}

Bytes field(std::uint32_t protocol, std::uint32_t number) {
    Bytes inner;
    put(inner, 0, protocol);
    put(inner, 1, number);
    return expression(expression_payload, inner);
}

}  // namespace

std::vector<std::uint8_t> describe_data_map(const Map& map) {
    const bool v4 = map.data.front() == KeyType::ipv4_addr;
    Bytes number;
    put(number, 0, std::uint32_t{0});    // type: counted up
    put(number, 1, std::uint32_t{256});  // modulus
    put(number, 2, std::uint32_t{0});    // offset
    Bytes parts;
    put(parts, 0, v4 ? field(protocol_ip, field_daddr) : field(protocol_ip6, field_daddr6));
    put(parts, 1, field(protocol_tcp, field_dport));
    Bytes out;
    put(out, key_byte_order, host_order);
    put(out, data_byte_order, std::uint32_t{0});
    put(out, key_typeof, expression(expression_numgen, number));
    put(out, data_typeof, expression(expression_concat, parts));
    put(out, data_interval, std::uint32_t{0});
    return out;
}

}  // namespace netfilter

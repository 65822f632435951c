#include "netfilter/phrase.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <array>
#include <cstring>
#include <utility>

namespace netfilter {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Name = std::pair<std::uint32_t, std::string_view>;

// The bits of the kernel's nf_conntrack_common.h, as nft names them.
constexpr std::array<Name, 5> state_names{
    {{1, "invalid"}, {2, "established"}, {4, "related"}, {8, "new"}, {64, "untracked"}}};
constexpr std::array<Name, 6> flag_names{{{1, "fin"}, {2, "syn"}, {4, "rst"}, {8, "psh"}, {16, "ack"}, {32, "urg"}}};

std::uint32_t host_word(const Bytes& bytes) {
    std::uint32_t word = 0;
    std::memcpy(&word, bytes.data(), std::min<std::size_t>(bytes.size(), sizeof word));
    return word;
}

template <std::size_t Count>
std::string bit_names(std::uint32_t bits, const std::array<Name, Count>& names) {
    std::string text;
    for (const auto& [bit, name] : names) {
        if ((bits & bit) != 0) {
            text += text.empty() ? "" : ",";
            text += name;
        }
    }
    return text.empty() ? fmt::format("0x{:x}", bits) : text;
}

std::string hex(const Bytes& bytes) {
    std::string text = "0x";
    for (const auto byte : bytes) {
        text += fmt::format("{:02x}", byte);
    }
    return text;
}

std::string value_text(Phrase::Kind kind, const Bytes& value) {
    switch (kind) {
        case Phrase::Kind::mark:
            return fmt::format("0x{:08x}", host_word(value));
        case Phrase::Kind::transport_protocol:
            return protocol_name(value.empty() ? std::uint8_t{0} : value[0]);
        case Phrase::Kind::network_protocol:
            return value == Bytes{AF_INET} ? "ipv4" : value == Bytes{AF_INET6} ? "ipv6" : hex(value);
        case Phrase::Kind::conntrack_state:
            return bit_names(host_word(value), state_names);
        case Phrase::Kind::tcp_flags:
            return bit_names(value.empty() ? 0U : value[0], flag_names);
        case Phrase::Kind::port:
            return value.size() == 2 ? fmt::format("{}", value[0] << 8 | value[1]) : hex(value);
        default:
            return hex(value);
    }
}

bool all_zero(const Bytes& bytes) {
    for (const auto byte : bytes) {
        if (byte != 0) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::string protocol_name(std::uint8_t protocol) {
    switch (protocol) {
        case IPPROTO_TCP:
            return "tcp";
        case IPPROTO_UDP:
            return "udp";
        case IPPROTO_ICMP:
            return "icmp";
        case IPPROTO_ICMPV6:
            return "ipv6-icmp";
        case IPPROTO_SCTP:
            return "sctp";
        default:
            return fmt::format("{}", protocol);
    }
}

void Phrase::load(std::string text, Kind kind, std::string_view needs) {
    if (!needs.empty() && implied_ == needs) {
        implied_.clear();
        implied_text_.clear();
    }
    loaded_.push_back({std::move(text), kind});
}

void Phrase::mask(std::vector<std::uint8_t> mask) {
    mask_ = std::move(mask);
}

void Phrase::compare(bool equal, const std::vector<std::uint8_t>& value) {
    const auto kind = loaded_.empty() ? Kind::other : loaded_.back().kind;
    const auto key = take_key();
    const auto mask = std::exchange(mask_, {});
    const auto text = value_text(kind, value);
    if (!mask.empty() && !equal && all_zero(value)) {
        say(fmt::format("{} {}", key, value_text(kind, mask)));
        return;
    }
    if (!mask.empty()) {
        say(fmt::format("{} & {} {} {}", key, value_text(kind, mask), equal ? "==" : "!=", text));
        return;
    }
    if (equal && (kind == Kind::network_protocol || kind == Kind::transport_protocol)) {
        flush();
        implied_ = kind == Kind::transport_protocol ? text : text == "ipv4" ? "ip" : "ip6";
        implied_text_ = fmt::format("{} {}", key, text);
        return;
    }
    say(fmt::format("{} {}{}", key, equal ? "" : "!= ", text));
}

std::string Phrase::take_key() {
    std::string key;
    for (const auto& loaded : loaded_) {
        key += key.empty() ? "" : " . ";
        key += loaded.text;
    }
    loaded_.clear();
    return key;
}

void Phrase::say(std::string_view words) {
    flush();
    append(words);
}

std::string Phrase::text() && {
    flush();
    return std::move(text_);
}

void Phrase::flush() {
    if (!implied_text_.empty()) {
        append(implied_text_);
        implied_.clear();
        implied_text_.clear();
    }
}

void Phrase::append(std::string_view words) {
    text_ += text_.empty() ? "" : " ";
    text_ += words;
}

}  // namespace netfilter

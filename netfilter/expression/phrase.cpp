#include "netfilter/expression/phrase.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "netfilter/model/protocol_name.hpp"

namespace netfilter {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Name = std::pair<std::uint32_t, std::string_view>;

// The bits of the kernel's nf_conntrack_common.h, as nft names them.
constexpr std::array<Name, 5> state_names{
    {{1, "invalid"}, {2, "established"}, {4, "related"}, {8, "new"}, {64, "untracked"}}};
constexpr std::array<Name, 2> status_names{{{16, "snat"}, {32, "dnat"}}};
constexpr std::array<Name, 6> flag_names{{{1, "fin"}, {2, "syn"}, {4, "rst"}, {8, "psh"}, {16, "ack"}, {32, "urg"}}};

// Names of the ICMP types in a firewall's rules; other types print as numbers.
constexpr std::array<Name, 2> icmp_names{{{0, "echo-reply"}, {8, "echo-request"}}};
constexpr std::array<Name, 7> icmpv6_names{{{128, "echo-request"},
                                            {130, "mld-listener-query"},
                                            {133, "nd-router-solicit"},
                                            {134, "nd-router-advert"},
                                            {135, "nd-neighbor-solicit"},
                                            {136, "nd-neighbor-advert"},
                                            {137, "nd-redirect"}}};

std::uint32_t host_word(const Bytes& bytes) {
    std::uint32_t word = 0;
    std::copy_n(bytes.begin(), std::min<std::size_t>(bytes.size(), sizeof word),
                reinterpret_cast<std::uint8_t*>(&word));
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

template <std::size_t Count>
std::string name_of(const Bytes& value, const std::array<Name, Count>& names) {
    const std::uint32_t number = value.empty() ? 0U : value[0];
    const auto* found =
        std::find_if(names.begin(), names.end(), [number](const Name& each) { return each.first == number; });
    return found == names.end() ? fmt::format("{}", number) : std::string(found->second);
}

std::string address_text(const Bytes& value) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (value.size() != 4 && value.size() != 16) {
        return hex(value);
    }
    return inet_ntop(value.size() == 4 ? AF_INET : AF_INET6, value.data(), text.data(), text.size());
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
        case Phrase::Kind::conntrack_status:
            return bit_names(host_word(value), status_names);
        case Phrase::Kind::address_type:
            return host_word(value) == 2 ? "local" : fmt::format("{}", host_word(value));
        case Phrase::Kind::tcp_flags:
            return bit_names(value.empty() ? 0U : value[0], flag_names);
        case Phrase::Kind::port:
            return value.size() == 2 ? fmt::format("{}", value[0] << 8 | value[1]) : hex(value);
        case Phrase::Kind::address:
            return address_text(value);
        case Phrase::Kind::interface_name:
            return fmt::format("\"{}\"", std::string(value.begin(), std::find(value.begin(), value.end(), 0)));
        case Phrase::Kind::icmp_type:
            return name_of(value, icmp_names);
        case Phrase::Kind::icmpv6_type:
            return name_of(value, icmpv6_names);
        case Phrase::Kind::other:
            break;
    }
    return hex(value);
}

// The length of the prefix that a mask leaves; empty for a mask with holes.
std::optional<std::size_t> prefix_of(const Bytes& mask) {
    std::size_t ones = 0;
    while (ones < mask.size() * 8 && (mask[ones / 8] & 0x80 >> ones % 8) != 0) {
        ++ones;
    }
    for (std::size_t bit = ones; bit < mask.size() * 8; ++bit) {
        if ((mask[bit / 8] & 0x80 >> bit % 8) != 0) {
            return std::nullopt;
        }
    }
    return ones;
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

void Phrase::load(std::string text, Kind kind, std::string_view needs) {
    if (!needs.empty() && implied_ == needs) {
        (needs.starts_with("ip") ? family_ : transport_) = needs;
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
    const auto mask = std::exchange(mask_, {});
    const auto key = take_key();
    const auto text = value_text(kind, value);
    if (!mask.empty() && kind == Kind::address) {
        if (const auto prefix = prefix_of(mask)) {
            say(fmt::format("{} {}{}/{}", key, equal ? "" : "!= ", text, *prefix));
            return;
        }
    }
    if (!mask.empty() && !equal && all_zero(value)) {
        say(fmt::format("{} {}", key, value_text(kind, mask)));
        return;
    }
    if (!mask.empty() && equal && all_zero(value) && kind == Kind::tcp_flags) {
        say(fmt::format("{} ! {}", key, value_text(kind, mask)));
        return;
    }
    if (!mask.empty()) {
        say(fmt::format("{} & {} {} {}", key, value_text(kind, mask), equal ? "==" : "!=", text));
        return;
    }
    if (equal && (kind == Kind::network_protocol || kind == Kind::transport_protocol)) {
        // nft does not print a test for ICMP behind that for its family, when an ICMP type follows.
        const bool follows = (implied_ == "ip" && text == "icmp") || (implied_ == "ip6" && text == "ipv6-icmp");
        const auto before = follows ? implied_text_ + " " : std::string();
        if (!follows) {
            flush();
        }
        implied_ = kind == Kind::transport_protocol ? text : text == "ipv4" ? "ip" : "ip6";
        implied_text_ = fmt::format("{}{} {}", before, key, text);
        return;
    }
    say(fmt::format("{} {}{}", key, equal ? "" : "!= ", text));
}

std::string Phrase::take_key() {
    std::string key;
    // A mask without a comparison after it belongs to the key; a comparison would have taken it by now.
    if (!mask_.empty() && !loaded_.empty()) {
        loaded_.back().text += " & " + value_text(loaded_.back().kind, std::exchange(mask_, {}));
    }
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

std::string printable(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }, '?');
    return text;
}

}  // namespace netfilter

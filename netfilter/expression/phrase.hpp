// Phrase: turns the kernel's low-level expressions back into the line that nft would print. The kernel's rules are
// programs for a small register machine (load, mask, compare); nft prints words. Every expression reports its action,
// in order, and the phrase remembers the registers' contents. Used by the expressions' print and by Rule.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace netfilter {

class Phrase {
public:
    // What a loaded register holds. A value prints by its kind: 6 is "tcp", 0x0bfe0001 a mark.
    enum class Kind {
        mark,
        transport_protocol,
        network_protocol,
        conntrack_state,
        tcp_flags,
        port,
        address,
        interface_name,
        icmp_type,
        icmpv6_type,
        conntrack_status,
        address_type,
        other
    };

    // A register was loaded with `text` ("ip daddr"). The load implies an earlier test for `needs` ("ip", "tcp") that
    // is not printed yet: such a test stays unprinted, as in nft's output.
    void load(std::string text, Kind kind, std::string_view needs = {});
    // The loaded register was masked.
    void mask(std::vector<std::uint8_t> mask);
    // The loaded register was compared: "==" or "!=".
    void compare(bool equal, const std::vector<std::uint8_t>& value);
    // The loaded registers were looked up as one concatenated key. Returns "ip daddr . th dport".
    [[nodiscard]] std::string take_key();
    // Appends words after what is still unprinted.
    void say(std::string_view words);
    // True while a test for this protocol ("ip", "tcp") was made and is not printed. For "ip" and "ip6" also when a
    // load has printed it.
    [[nodiscard]] bool implies(std::string_view protocol) const {
        return implied_ == protocol || family_ == protocol || transport_ == protocol;
    }

    // The whole text, with a last test that nothing followed.
    [[nodiscard]] std::string text() &&;

private:
    struct Loaded {
        std::string text;
        Kind kind;
    };
    void flush();
    void append(std::string_view words);

    std::vector<Loaded> loaded_;
    std::vector<std::uint8_t> mask_;
    std::string family_;        // "ip", "ip6": printed by an earlier load
    std::string transport_;     // "tcp": the same
    std::string implied_;       // "ip": a test that the next load may make redundant
    std::string implied_text_;  // "meta nfproto ipv4": how it prints when it is not
    std::string text_;
};

// The text with '?' for control bytes. The kernel accepts any byte in a name, and another program's name must not
// control a terminal.
std::string printable(std::string text);

}  // namespace netfilter

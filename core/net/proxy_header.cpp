#include "core/net/proxy_header.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "core/base/verify.hpp"

namespace core::net {
namespace {

using Verdict = ProxyParse::Verdict;

constexpr std::string_view v1_start = "PROXY ";
constexpr std::size_t v1_line_max = 107;  // with its CRLF
constexpr std::string_view v2_signature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t v2_head = 16;
constexpr std::size_t v4_addresses = 12;
constexpr std::size_t v6_addresses = 36;

// The second nibble of the first byte after the signature, and the whole second
// one.
constexpr std::uint8_t local_command = 0x20;
constexpr std::uint8_t proxy_command = 0x21;
constexpr std::uint8_t unspecified = 0x00;
constexpr std::uint8_t tcp4 = 0x11;
constexpr std::uint8_t tcp6 = 0x21;
constexpr std::uint8_t unix_stream = 0x31;

constexpr std::uint8_t ssl_type = 0x20;    // PP2_TYPE_SSL
constexpr std::uint8_t client_ssl = 0x01;  // PP2_CLIENT_SSL: the client connected over TLS

ProxyParse refuse(std::string_view reason) noexcept {
    return {Verdict::bad, 0, reason};
}

std::uint8_t byte_at(std::string_view bytes, std::size_t at) noexcept {
    return static_cast<std::uint8_t>(bytes[at]);
}

std::uint16_t word_at(std::string_view bytes, std::size_t at) noexcept {
    return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

bool begins_alike(std::string_view bytes, std::string_view wanted) noexcept {
    const std::size_t common = std::min(bytes.size(), wanted.size());
    return bytes.substr(0, common) == wanted.substr(0, common);
}

// Takes the word up to the next single space; false where there is none.
bool take_word(std::string_view& line, std::string_view& word) noexcept {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || space == 0) {
        return false;
    }
    word = line.substr(0, space);
    line.remove_prefix(space + 1);
    return true;
}

// "0" to "65535", without a sign or leading zeros.
bool read_port(std::string_view text, std::uint16_t& port) noexcept {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc() && end == text.data() + text.size() && (text.size() == 1 || text.front() != '0');
}

// Like inet_pton(3): no leading zeros, no zones, and exactly four numbers.
bool read_address(std::string_view text, std::string_view port, bool v6, Address& out) noexcept {
    std::array<char, INET6_ADDRSTRLEN> copy{};
    if (text.size() >= copy.size() || text.find('\0') != std::string_view::npos) {
        return false;
    }
    std::copy(text.begin(), text.end(), copy.begin());
    sockaddr_storage storage{};
    void* const to = v6 ? static_cast<void*>(&reinterpret_cast<sockaddr_in6&>(storage).sin6_addr)
                        : static_cast<void*>(&reinterpret_cast<sockaddr_in&>(storage).sin_addr);
    storage.ss_family = v6 ? AF_INET6 : AF_INET;
    std::uint16_t number = 0;
    if (::inet_pton(storage.ss_family, copy.data(), to) != 1 || !read_port(port, number)) {
        return false;
    }
    out = Address::from(storage).with_port(number);
    return true;
}

ProxyParse parse_v1(std::string_view bytes, ProxyHeader& out) noexcept {
    const std::string_view window = bytes.substr(0, v1_line_max);
    const std::size_t cr = window.find('\r');
    if (cr == std::string_view::npos || cr + 1 == window.size()) {
        return window.size() < v1_line_max ? ProxyParse{} : refuse("a PROXY line longer than 107 bytes");
    }
    if (window[cr + 1] != '\n' || window.substr(0, cr).find('\n') != std::string_view::npos) {
        return refuse("a PROXY line that does not end in CRLF");
    }
    const ProxyParse done{Verdict::complete, cr + 2, {}};
    std::string_view line = window.substr(v1_start.size(), cr - v1_start.size());
    out = {};
    // "The receiver must ignore anything presented before the CRLF is found."
    if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) {
        return done;
    }
    std::string_view family, source, destination, source_port;
    if (!take_word(line, family) || !take_word(line, source) || !take_word(line, destination) ||
        !take_word(line, source_port)) {
        return refuse("a PROXY line with too few words");
    }
    const bool v6 = family == "TCP6";
    if (!v6 && family != "TCP4") {
        return refuse("a PROXY line of an unknown protocol");
    }
    if (!read_address(source, source_port, v6, out.source) || !read_address(destination, line, v6, out.destination)) {
        return refuse("a PROXY line with a bad address or port");
    }
    out.addressed = true;
    return done;
}

// IPv4 or IPv6 addresses, then both ports, all in network byte order.
void read_addresses(std::string_view body, bool v6, ProxyHeader& out) noexcept {
    const std::size_t size = v6 ? 16 : 4;
    const auto address_at = [&](std::size_t at, std::size_t port_at) {
        sockaddr_storage storage{};
        storage.ss_family = v6 ? AF_INET6 : AF_INET;
        void* const to = v6 ? static_cast<void*>(&reinterpret_cast<sockaddr_in6&>(storage).sin6_addr)
                            : static_cast<void*>(&reinterpret_cast<sockaddr_in&>(storage).sin_addr);
        std::memcpy(to, body.data() + at, size);
        return Address::from(storage).with_port(word_at(body, port_at));
    };
    out = {true, address_at(0, 2 * size), address_at(size, 2 * size + 2), std::nullopt};
}

// False where the lengths do not fit.
bool read_tlvs(std::string_view rest, ProxyHeader& out) noexcept {
    while (!rest.empty()) {
        if (rest.size() < 3 || rest.size() - 3 < word_at(rest, 1)) {
            return false;
        }
        const std::string_view value = rest.substr(3, word_at(rest, 1));
        if (byte_at(rest, 0) == ssl_type && !value.empty()) {
            out.tls = (byte_at(value, 0) & client_ssl) != 0;
        }
        rest.remove_prefix(3 + value.size());
    }
    return true;
}

ProxyParse parse_v2(std::string_view bytes, ProxyHeader& out) noexcept {
    if (bytes.size() > 12 && byte_at(bytes, 12) != local_command && byte_at(bytes, 12) != proxy_command) {
        return refuse("a PROXY header of another version or with an unknown command");
    }
    if (bytes.size() < v2_head) {
        return {};
    }
    const std::uint8_t family = byte_at(bytes, 13);
    const std::size_t length = word_at(bytes, 14);
    if (length > proxy_body_max) {
        return refuse("a PROXY header longer than 2048 bytes");
    }
    const std::size_t addresses = family == tcp4 ? v4_addresses : family == tcp6 ? v6_addresses : 0;
    const bool local = byte_at(bytes, 12) == local_command;  // then family and addresses mean nothing
    if (!local && addresses == 0 && family != unspecified && family != unix_stream) {
        return refuse("a PROXY header of a protocol that is not TCP");
    }
    if (!local && length < addresses) {
        return refuse("a PROXY header too short for its addresses");
    }
    if (bytes.size() < v2_head + length) {
        return {};
    }
    const std::string_view body = bytes.substr(v2_head, length);
    out = {};
    if (!local && addresses != 0) {
        read_addresses(body, family == tcp6, out);
        if (!read_tlvs(body.substr(addresses), out)) {
            return refuse("a PROXY header whose TLVs do not fit");
        }
    }
    return {Verdict::complete, v2_head + length, {}};
}

// 16 bytes, an IPv4 address mapped (RFC 4291 2.5.5.2).
std::array<std::uint8_t, 16> as_v6(const Address& address) noexcept {
    if (!address.is_v4()) {
        return address.bytes();
    }
    std::array<std::uint8_t, 16> mapped{};
    mapped[10] = mapped[11] = 0xff;
    std::copy_n(address.bytes().begin(), 4, mapped.begin() + 12);
    return mapped;
}

class Writer {
public:
    explicit Writer(ProxyBuffer& buffer) noexcept : buffer_(buffer) {}
    void put(std::string_view text) noexcept {
        VERIFY(text.size() <= buffer_.size() - size_);
        std::copy(text.begin(), text.end(), buffer_.begin() + static_cast<std::ptrdiff_t>(size_));
        size_ += text.size();
    }
    void put_word(std::uint16_t word) noexcept {
        const std::array<char, 2> bytes{static_cast<char>(word >> 8), static_cast<char>(word)};
        put({bytes.data(), bytes.size()});
    }
    void put_bytes(std::span<const std::uint8_t> bytes) noexcept {
        put({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
    void put_text(std::span<const std::uint8_t> address, bool v6) noexcept {
        std::array<char, INET6_ADDRSTRLEN> text;
        put(::inet_ntop(v6 ? AF_INET6 : AF_INET, address.data(), text.data(), text.size()));
    }
    void put_number(std::uint16_t number) noexcept {
        std::array<char, 5> digits;
        const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
        put({digits.data(), static_cast<std::size_t>(end - digits.data())});
    }
    [[nodiscard]] std::string_view written() const noexcept { return {buffer_.data(), size_}; }

private:
    ProxyBuffer& buffer_;
    std::size_t size_ = 0;
};

}  // namespace

ProxyParse parse_proxy_header(std::string_view bytes, ProxyHeader& out) noexcept {
    if (begins_alike(bytes, v1_start)) {
        return bytes.size() < v1_start.size() ? ProxyParse{} : parse_v1(bytes, out);
    }
    if (begins_alike(bytes, v2_signature)) {
        return bytes.size() < v2_signature.size() ? ProxyParse{} : parse_v2(bytes, out);
    }
    return refuse("no PROXY header");
}

std::string_view write_proxy_header(const ProxyHeader& header, ProxyVersion version, ProxyBuffer& buffer) noexcept {
    VERIFY(version != ProxyVersion::none);
    Writer out(buffer);
    const bool v6 = !header.source.is_v4() || !header.destination.is_v4();
    const std::array<std::uint8_t, 16> source = v6 ? as_v6(header.source) : header.source.bytes();
    const std::array<std::uint8_t, 16> destination = v6 ? as_v6(header.destination) : header.destination.bytes();
    if (version == ProxyVersion::v1) {
        if (!header.addressed) {
            out.put("PROXY UNKNOWN\r\n");
            return out.written();
        }
        out.put(v6 ? "PROXY TCP6 " : "PROXY TCP4 ");
        out.put_text(source, v6);
        out.put(" ");
        out.put_text(destination, v6);
        out.put(" ");
        out.put_number(header.source.port());
        out.put(" ");
        out.put_number(header.destination.port());
        out.put("\r\n");
        return out.written();
    }
    const std::size_t size = v6 ? 16 : 4;
    out.put(v2_signature);
    if (!header.addressed) {
        out.put(std::string_view("\x20\x00\x00\x00", 4));
        return out.written();
    }
    out.put(v6 ? std::string_view("\x21\x21") : std::string_view("\x21\x11"));
    out.put_word(static_cast<std::uint16_t>(v6 ? v6_addresses : v4_addresses));
    out.put_bytes(std::span(source).first(size));
    out.put_bytes(std::span(destination).first(size));
    out.put_word(header.source.port());
    out.put_word(header.destination.port());
    return out.written();
}

}  // namespace core::net

#include "core/http/forwarded.hpp"

#include <algorithm>

#include "core/http/characters.hpp"

namespace core::http {
namespace {

constexpr std::size_t proto_max = 16;  // no scheme of HTTP is longer

// The scheme that text names, in lower case for http and https, because applications look for that (RFC 3986 3.1: case
// does not matter); empty where it names none.
std::string_view read_proto(std::string_view text) noexcept {
    for (const std::string_view common : {"https", "http"}) {
        if (equals_ignoring_case(text, common)) {
            return common;
        }
    }
    return text.size() <= proto_max && valid_token(text) ? text : std::string_view();
}

// Takes text up to the first mark outside of a quoted string, and the mark.
std::string_view take_until(std::string_view& text, char mark) noexcept {
    bool quoted = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (quoted && text[at] == '\\') {
            ++at;
        } else if (text[at] == '"') {
            quoted = !quoted;
        } else if (text[at] == mark && !quoted) {
            const std::string_view part = text.substr(0, at);
            text.remove_prefix(at + 1);
            return trim(part);
        }
    }
    const std::string_view part = text;
    text = {};
    return trim(part);
}

std::string_view unquote(std::string_view value) noexcept {
    const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
    return quoted ? value.substr(1, value.size() - 2) : value;
}

// "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80".
std::optional<Address> read_node(std::string_view text) {
    const bool bracketed = text.starts_with('[');
    if (bracketed && text.ends_with(']')) {
        text = text.substr(1, text.size() - 2);
    } else if (bracketed || std::ranges::count(text, ':') == 1) {
        const auto address = Address::parse(text);
        return address ? std::optional(*address) : std::nullopt;
    }
    const auto address = Address::parse_host(text, 0);
    return address ? std::optional(*address) : std::nullopt;
}

bool in(std::span<const Network> networks, const Address& address) noexcept {
    return std::ranges::any_of(networks, [&](const Network& network) { return network.contains(address); });
}

// One element of Forwarded.
struct Element {
    std::optional<Address> client;
    std::string_view proto;
};

Element read_element(std::string_view text) {
    Element element;
    while (!text.empty()) {
        const std::string_view pair = take_until(text, ';');
        const std::size_t equals = std::min(pair.find('='), pair.size());
        const std::string_view name = trim(pair.substr(0, equals));
        const std::string_view value = unquote(trim(pair.substr(std::min(equals + 1, pair.size()))));
        if (equals_ignoring_case(name, "for")) {
            element.client = read_node(value);
        } else if (equals_ignoring_case(name, "proto")) {
            element.proto = read_proto(value);
        }
    }
    return element;
}

// The element that names the client. Where it has no proto, that of the next element to the right. Reads from the left,
// because quoted strings cannot be read from the right.
Element read_forwarded(const Fields& fields, std::span<const Network> trusted) {
    Element found;
    bool first = true;
    for (const Field& field : fields) {
        const bool wanted = field.known == Known::forwarding && equals_ignoring_case(field.name, "forwarded");
        std::string_view list = wanted ? field.value : std::string_view();
        while (!list.empty()) {
            const std::string_view text = take_until(list, ',');
            if (text.empty()) {
                continue;  // RFC 9110 5.6.1.2: empty elements of a list are ignored
            }
            const Element element = read_element(text);
            if (first || !element.client || !in(trusted, *element.client)) {
                found = element;
            } else if (found.proto.empty()) {
                found.proto = element.proto;
            }
            first = false;
        }
    }
    return found;
}

}  // namespace

std::optional<Address> forwarded_client(const Fields& fields, std::span<const Network> trusted) {
    std::optional<Address> client;
    bool named = false;
    for (std::size_t left = fields.size(); left > 0; --left) {
        const Field& field = fields.begin()[left - 1];
        std::string_view list = field.known == Known::forwarded_for ? field.value : std::string_view();
        while (!list.empty()) {
            const std::size_t comma = list.rfind(',');
            const std::string_view node = trim(comma == std::string_view::npos ? list : list.substr(comma + 1));
            list = comma == std::string_view::npos ? std::string_view() : list.substr(0, comma);
            if (node.empty()) {
                continue;
            }
            named = true;
            client = read_node(unquote(node));
            if (!client || !in(trusted, *client)) {
                return client;
            }
        }
    }
    return named ? client : read_forwarded(fields, trusted).client;
}

std::string_view forwarded_proto(const Fields& fields, std::span<const Network> trusted) {
    for (const Field& field : fields) {
        List list(field.known == Known::forwarded_proto ? field.value : std::string_view());
        std::string_view first;  // RFC 9110 5.6.1.2: empty elements of a list are ignored
        if (list.next(first)) {
            const std::string_view proto = read_proto(unquote(first));
            if (!proto.empty()) {
                return proto;
            }
        }
    }
    return read_forwarded(fields, trusted).proto;
}

}  // namespace core::http

#include "core/http/fields.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/http/characters.hpp"

namespace core::http {
namespace {

// Compares a token with a lower-case literal of the same length, eight bytes at a time. Setting bit 5 turns letters
// into lower case and leaves '-' alone. The bytes that it would confuse with a literal's are no token characters.
template <std::size_t N>
bool is(std::string_view token, const char (&lower)[N]) noexcept {
    constexpr std::size_t length = N - 1;
    constexpr std::uint64_t fold = 0x2020202020202020;
    const char* bytes = token.data();
    std::uint64_t difference = 0;
    std::size_t at = 0;
    for (; at + 8 <= length; at += 8) {
        std::uint64_t word = 0;
        std::uint64_t wanted = 0;
        std::memcpy(&word, bytes + at, 8);
        std::memcpy(&wanted, lower + at, 8);
        difference |= (word | fold) ^ wanted;
    }
    for (; at < length; ++at) {
        difference |= static_cast<unsigned char>((bytes[at] | 0x20) ^ lower[at]);
    }
    return difference == 0;
}

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

// Other fields that products and services use to name the client or its request, besides X-Forwarded-*. An application
// that believes them would believe any client. Sorted by length, so that a name is compared with few.
constexpr std::array<std::string_view, 58> claims{"x-ssl",
                                                  "x-host",
                                                  "x-proto",
                                                  "x-scheme",
                                                  "client-ip",
                                                  "x-real-ip",
                                                  "cf-visitor",
                                                  "x-client-ip",
                                                  "x-forwarded",
                                                  "x-real-host",
                                                  "x-remote-ip",
                                                  "x-source-ip",
                                                  "x-url-scheme",
                                                  "fly-client-ip",
                                                  "forwarded-for",
                                                  "x-client-host",
                                                  "x-forward-for",
                                                  "x-remote-addr",
                                                  "x-remote-host",
                                                  "x-rewrite-url",
                                                  "cf-pseudo-ipv4",
                                                  "gclb-client-ip",
                                                  "http-client-ip",
                                                  "true-client-ip",
                                                  "x-original-url",
                                                  "x-proxyuser-ip",
                                                  "front-end-https",
                                                  "incap-client-ip",
                                                  "proxy-client-ip",
                                                  "x-forwarder-for",
                                                  "x-host-override",
                                                  "x-original-host",
                                                  "cf-connecting-ip",
                                                  "do-connecting-ip",
                                                  "fastly-client-ip",
                                                  "x-azure-clientip",
                                                  "x-azure-socketip",
                                                  "x-original-proto",
                                                  "x-originating-ip",
                                                  "x-true-client-ip",
                                                  "cluster-client-ip",
                                                  "x-original-method",
                                                  "x-sucuri-clientip",
                                                  "cf-connecting-ipv6",
                                                  "wl-proxy-client-ip",
                                                  "x-appengine-user-ip",
                                                  "x-cluster-client-ip",
                                                  "x-http-host-override",
                                                  "x-vercel-proxied-for",
                                                  "x-envoy-original-path",
                                                  "x-vercel-forwarded-for",
                                                  "x-envoy-external-address",
                                                  "x-ms-forwarded-client-ip",
                                                  "x-original-forwarded-for",
                                                  "cloudfront-viewer-address",
                                                  "x-custom-ip-authorization",
                                                  "x-nf-client-connection-ip",
                                                  "cloudfront-forwarded-proto"};
static_assert(std::ranges::is_sorted(claims, {}, &std::string_view::size));

// Where the names of each length begin; the list's end is the last entry.
constexpr auto claims_by_length = [] {
    std::array<std::uint8_t, claims.back().size() + 2> begins{};
    for (std::size_t length = 0; length < begins.size(); ++length) {
        while (begins.at(length) < claims.size() && claims.at(begins.at(length)).size() < length) {
            ++begins.at(length);
        }
    }
    return begins;
}();

Known claim_or_other(std::string_view name) noexcept {
    if (name.size() + 1 >= claims_by_length.size()) {
        return Known::other;
    }
    const auto* const begin = claims.begin() + claims_by_length[name.size()];
    const auto* const end = claims.begin() + claims_by_length[name.size() + 1];
    const bool claim =
        std::any_of(begin, end, [name](std::string_view one) { return equals_ignoring_case(name, one); });
    return claim ? Known::forwarding : Known::other;
}

Known classify_long(std::string_view name) noexcept {
    if (name.size() == 14 && is(name, "content-length")) {
        return Known::content_length;
    }
    if (name.size() == 14 && is(name, "http2-settings")) {
        return Known::hop_by_hop;
    }
    if (name.size() == 16 && is(name, "proxy-connection")) {
        return Known::hop_by_hop;
    }
    if (name.size() == 17 && is(name, "transfer-encoding")) {
        return Known::transfer_encoding;
    }
    if (!is(name.substr(0, 12), "x-forwarded-")) {
        return claim_or_other(name);
    }
    if (name.size() == 15 && is(name, "x-forwarded-for")) {
        return Known::forwarded_for;
    }
    if (name.size() == 17 && is(name, "x-forwarded-proto")) {
        return Known::forwarded_proto;
    }
    return Known::forwarding;
}

// Fields that Connection must never remove, besides those with a role of their own.
bool is_protected(std::string_view name) noexcept {
    const Known known = classify(name);
    if (known == Known::hop_by_hop) {
        return false;
    }
    if (known != Known::other) {
        return true;
    }
    constexpr std::string_view names[] = {"set-cookie",       "authorization",       "www-authenticate", "content-type",
                                          "content-encoding", "proxy-authorization", "cache-control"};
    return std::ranges::any_of(names, [name](std::string_view one) { return equals_ignoring_case(one, name); });
}

void mark(Fields& fields, std::string_view name) noexcept {
    for (Field& field : fields.all()) {
        if (field.known == Known::other && equals_ignoring_case(field.name, name)) {
            field.known = Known::hop_by_hop;
        }
    }
}

}  // namespace

bool Fields::add(const Field& field) noexcept {
    if (size_ == capacity) {
        return false;
    }
    fields_[size_++] = field;
    return true;
}

const Field* Fields::find(std::string_view name) const noexcept {
    for (const Field& field : *this) {
        if (equals_ignoring_case(field.name, name)) {
            return &field;
        }
    }
    return nullptr;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) {
        return false;
    }
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (lower(a[i]) != lower(b[i])) {
            return false;
        }
    }
    return true;
}

bool valid_token(std::string_view text) noexcept {
    return all_of_class(text, is_token);
}

Known classify(std::string_view name) noexcept {
    switch (name.size()) {
        case 2:
            return is(name, "te") ? Known::hop_by_hop : Known::other;
        case 3:
            return is(name, "via") ? Known::forwarding : Known::other;
        case 4:
            return is(name, "host") ? Known::host : is(name, "date") ? Known::date : Known::other;
        case 5:
            return is(name, "proxy") ? Known::unsafe : claim_or_other(name);
        case 6:
            return is(name, "expect") ? Known::expect : is(name, "cookie") ? Known::cookie : claim_or_other(name);
        case 7:
            return is(name, "upgrade")   ? Known::upgrade
                   : is(name, "trailer") ? Known::hop_by_hop
                                         : claim_or_other(name);
        case 9:
            return is(name, "forwarded") ? Known::forwarding : claim_or_other(name);
        case 10:
            return is(name, "connection")   ? Known::connection
                   : is(name, "keep-alive") ? Known::hop_by_hop
                                            : claim_or_other(name);
        case 12:
            return is(name, "x-request-id") ? Known::request_id : claim_or_other(name);
        default:
            return name.size() > 12 ? classify_long(name) : claim_or_other(name);
    }
}

Known classify_folded(std::string_view name) noexcept {
    std::array<char, 64> folded{};
    std::size_t size = 0;
    for (const char c : name) {
        const bool sign = (class_of(c) & (is_folded | is_dash)) != 0;
        if (sign && (size == 0 || folded.at(size - 1) == '-')) {
            continue;
        }
        if (size == folded.size()) {
            return Known::other;
        }
        folded.at(size++) = sign ? '-' : c;
    }
    size -= size != 0 && folded.at(size - 1) == '-' ? 1 : 0;
    const Known twin = classify({folded.data(), size});
    return twin == Known::other || twin == Known::date ? Known::other : Known::unsafe;
}

bool List::next(std::string_view& member) noexcept {
    while (!rest_.empty()) {
        const std::size_t end = std::min(rest_.find(separator_), rest_.size());
        member = trim(rest_.substr(0, end));
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        if (!member.empty()) {
            return true;
        }
    }
    return false;
}

bool list_has(std::string_view list, std::string_view token) noexcept {
    List members(list);
    for (std::string_view member; members.next(member);) {
        if (equals_ignoring_case(member, token)) {
            return true;
        }
    }
    return false;
}

bool apply_connection(Fields& fields, ConnectionOptions& options) noexcept {
    std::size_t named = 0;
    for (const Field& field : fields) {
        if (field.known != Known::connection) {
            continue;
        }
        List members(field.value);
        for (std::string_view member; members.next(member);) {
            if (equals_ignoring_case(member, "close")) {
                options.close = true;
            } else if (equals_ignoring_case(member, "keep-alive")) {
                options.keep_alive = true;
            } else if (equals_ignoring_case(member, "upgrade")) {
                options.upgrade = true;
            } else if (!valid_token(member) || ++named > connection_names_max) {
                return false;
            } else if (!is_protected(member)) {
                mark(fields, member);
            }
        }
    }
    return true;
}

}  // namespace core::http

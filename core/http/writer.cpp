#include "core/http/writer.hpp"

#include <algorithm>
#include <charconv>

#include "core/base/verify.hpp"
#include "core/http/characters.hpp"
#include "core/http/status.hpp"

namespace core::http {
namespace {

// The free part of the buffer; remembers when something did not fit.
class Output {
public:
    explicit Output(std::span<char> buffer) noexcept
        : begin_(buffer.data()), at_(buffer.data()), end_(buffer.data() + buffer.size()) {}

    void put(std::string_view text) noexcept {
        if (reserve(text.size())) {
            append(text);
        }
    }
    void put(std::uint64_t number) noexcept {
        std::array<char, 20> digits;
        const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
        put(std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
    }
    void put_field(std::string_view name, std::string_view value) noexcept {
        if (reserve(name.size() + value.size() + 4)) {
            append(name);
            append(": ");
            append(value);
            append("\r\n");
        }
    }
    // The bytes written, 0 when they did not fit.
    [[nodiscard]] std::size_t size() const noexcept { return full_ ? 0 : static_cast<std::size_t>(at_ - begin_); }

private:
    bool reserve(std::size_t count) noexcept {
        full_ = full_ || count > static_cast<std::size_t>(end_ - at_);
        return !full_;
    }
    void append(std::string_view text) noexcept { at_ = std::copy(text.begin(), text.end(), at_); }

    char* begin_;
    char* at_;
    char* end_;
    bool full_ = false;
};

void put_framing(Output& out, const Framing& framing) noexcept {
    if (framing.kind == Framing::Kind::length) {
        out.put("Content-Length: ");
        out.put(framing.length);
        out.put("\r\n");
    } else if (framing.kind == Framing::Kind::chunked) {
        out.put("Transfer-Encoding: chunked\r\n");
    }
}

void put_persistence(Output& out, Persistence persistence) noexcept {
    if (persistence == Persistence::close) {
        out.put("Connection: close\r\n");
    } else if (persistence == Persistence::keep_alive) {
        out.put("Connection: keep-alive\r\n");
    }
}

void put_upgrade(Output& out, std::string_view upgrade, Persistence persistence) noexcept {
    out.put(persistence == Persistence::close ? "Connection: upgrade, close\r\n" : "Connection: upgrade\r\n");
    out.put_field("Upgrade", upgrade);
}

bool goes_to_backend(Known known, const RequestOptions& options) noexcept {
    return known == Known::other || known == Known::date || known == Known::cookie ||
           (known == Known::request_id && options.request_id.empty()) ||
           (known == Known::forwarding && options.origin.peer == Origin::Peer::trusted);
}

void put_origin(Output& out, const Fields& fields, const Origin& origin) noexcept {
    out.put("X-Forwarded-For: ");
    if (origin.peer == Origin::Peer::trusted) {
        for (const Field& field : fields) {
            if (field.known == Known::forwarded_for && !field.value.empty()) {
                out.put(field.value);
                out.put(", ");
            }
        }
    }
    out.put(origin.client);
    out.put("\r\n");
    out.put_field("X-Forwarded-Proto", origin.proto);
}

// Fields beside X-Forwarded-For that describe the request as received. host: as the client sent it; left out where it
// is longer than any name, so that it cannot make a head grow.
void put_more_origin(Output& out, const RequestHead& head, const RequestOptions& options) noexcept {
    const std::string_view host = head.authority.size() <= host_max ? head.authority : std::string_view();
    const Origin& origin = options.origin;
    if (origin.forwarded) {
        const bool v6 = origin.client.find(':') != std::string_view::npos;
        out.put(v6 ? "Forwarded: for=\"[" : "Forwarded: for=");
        out.put(origin.client);
        out.put(v6 ? "]\"" : "");
        if (!host.empty()) {
            out.put(";host=\"");
            out.put(host);
            out.put("\"");
        }
        out.put(";proto=");
        out.put(origin.proto);
        out.put("\r\n");
    }
    if (origin.via) {
        out.put(head.minor == 0 ? "Via: 1.0 gatehouse\r\n" : "Via: 1.1 gatehouse\r\n");
    }
    if (!options.host.empty() && !host.empty() &&
        (origin.peer == Origin::Peer::untrusted || head.fields.find("x-forwarded-host") == nullptr)) {
        out.put_field("X-Forwarded-Host", host);
    }
    if (!options.request_id.empty()) {
        out.put_field("X-Request-Id", options.request_id);
    }
}

// Writes a Cookie field without the cookies of one name; the rest stays as it was, byte by byte. Writes nothing where
// no cookie is left.
void put_cookies(Output& out, const Field& field, std::string_view taken) noexcept {
    std::string_view rest = field.value;
    bool any = false;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(';'), rest.size());
        const std::string_view pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        const std::size_t equals = pair.find('=');
        if (equals != std::string_view::npos && trim(pair.substr(0, equals)) == taken) {
            continue;
        }
        if (!any) {
            out.put(field.name);
            out.put(": ");
        }
        out.put(any ? ";" : "");
        out.put(any ? pair : trim(pair));
        any = true;
    }
    out.put(any ? "\r\n" : "");
}

bool goes_to_client(Known known) noexcept {
    switch (known) {
        case Known::content_length:
        case Known::transfer_encoding:
        case Known::connection:
        case Known::upgrade:
        case Known::hop_by_hop:
            return false;
        case Known::other:
        case Known::host:
        case Known::expect:
        case Known::forwarded_for:
        case Known::forwarded_proto:
        case Known::forwarding:
        case Known::request_id:
        case Known::date:
        case Known::cookie:
        case Known::unsafe:
            break;
    }
    return true;
}

// Content-Length of a response without a body (HEAD, 304): as received, because no body contradicts it.
void put_described_length(Output& out, const Fields& fields) noexcept {
    for (const Field& field : fields) {
        if (field.known == Known::content_length) {
            out.put_field("Content-Length", field.value);
        }
    }
}

void put_status_line(Output& out, int status, std::string_view reason) noexcept {
    out.put("HTTP/1.1 ");
    out.put(static_cast<std::uint64_t>(status));
    out.put(" ");
    out.put(reason);
    out.put("\r\n");
}

void put_cookie(Output& out, const SetCookie& cookie) noexcept {
    out.put("Set-Cookie: ");
    out.put(cookie.name);
    out.put("=");
    out.put(cookie.value);
    out.put(cookie.secure ? "; Path=/; HttpOnly; Secure; SameSite=None" : "; Path=/; HttpOnly; SameSite=Lax");
    out.put("\r\nCache-Control: private\r\n");
}

}  // namespace

std::size_t written_max(const RequestHead& head, std::size_t received) noexcept {
    return received + (head.rewritten == nullptr ? 0 : head.rewritten->size()) + growth_max;
}

std::size_t written_max(const ResponseHead& head, std::size_t received) noexcept {
    return std::max(received, head.rewritten == nullptr ? 0 : head.rewritten->size()) + growth_max;
}

Persistence staying_open(const RequestHead& request) noexcept {
    return request.minor == 0 ? Persistence::keep_alive : Persistence::implied;
}

std::size_t write_request(const RequestHead& head, const RequestOptions& options, std::span<char> buffer) noexcept {
    const std::string_view own = head.authority.empty() ? options.host_fallback : head.authority;
    const std::string_view host = options.host.empty() ? own : options.host;
    VERIFY(!host.empty() && !options.origin.client.empty());
    Output out(buffer);
    out.put(head.method);
    out.put(" ");
    out.put(head.path);
    out.put(head.query);
    out.put(" HTTP/1.1\r\n");
    out.put_field("Host", host);
    for (const Field& field : head.fields) {
        if (field.known == Known::cookie && !options.cookie_taken.empty()) {
            put_cookies(out, field, options.cookie_taken);
        } else if (goes_to_backend(field.known, options)) {
            out.put_field(field.name, field.value);
        }
    }
    put_origin(out, head.fields, options.origin);
    put_more_origin(out, head, options);
    if (head.expect_continue && options.expect == RequestOptions::Expect::forward) {
        out.put("Expect: 100-continue\r\n");
    }
    put_framing(out, head.framing);
    if (!head.upgrade.empty()) {
        put_upgrade(out, head.upgrade, options.persistence);
    } else {
        put_persistence(out, options.persistence);
    }
    out.put("\r\n");
    return out.size();
}

Framing framing_towards(std::uint8_t client_minor, const ResponseHead& head) noexcept {
    const bool open_ended =
        head.framing.kind == Framing::Kind::chunked || head.framing.kind == Framing::Kind::until_close;
    if (!open_ended) {
        return head.framing;
    }
    return {client_minor == 0 ? Framing::Kind::until_close : Framing::Kind::chunked, 0};
}

std::size_t write_response(const ResponseHead& head, const ResponseOptions& options, std::span<char> buffer) noexcept {
    VERIFY(options.framing.kind != Framing::Kind::until_close || options.persistence == Persistence::close);
    Output out(buffer);
    bool dated = head.is_interim() || options.date.empty();
    put_status_line(out, head.status, head.reason);
    for (const Field& field : head.fields) {
        if (goes_to_client(field.known)) {
            out.put_field(field.name, field.value);
        }
        dated = dated || field.known == Known::date;
    }
    if (!dated) {
        out.put_field("Date", options.date);
    }
    if (!options.cookie.name.empty()) {
        put_cookie(out, options.cookie);
    }
    if (head.length_describes) {
        put_described_length(out, head.fields);
    } else {
        put_framing(out, options.framing);
    }
    if (!head.upgrade.empty()) {
        put_upgrade(out, head.upgrade, options.persistence);
    } else if (!head.is_interim()) {
        put_persistence(out, options.persistence);
    }
    out.put("\r\n");
    return out.size();
}

std::size_t write_answer(const Answer& answer, std::span<char> buffer) noexcept {
    Output out(buffer);
    put_status_line(out, answer.status, reason_phrase(answer.status));
    out.put_field("Server", server_name);
    if (!answer.date.empty()) {
        out.put_field("Date", answer.date);
    }
    if (!answer.content_type.empty()) {
        out.put_field("Content-Type", answer.content_type);
    }
    put_framing(out, {Framing::Kind::length, answer.content_length});
    for (const Field& field : answer.extra) {
        out.put_field(field.name, field.value);
    }
    put_persistence(out, answer.persistence);
    out.put("\r\n");
    return out.size();
}

std::size_t write_chunk_line(std::uint64_t size, std::span<char, chunk_line_max> buffer) noexcept {
    VERIFY(size > 0);
    char* const end = std::to_chars(buffer.data(), buffer.data() + 16, size, 16).ptr;
    std::ranges::copy(chunk_end, end);
    return static_cast<std::size_t>(end - buffer.data()) + chunk_end.size();
}

}  // namespace core::http

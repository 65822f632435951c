// Fields: the header fields of one head, as views into the caller's bytes. Also what a proxy must know about names and
// lists. The parser fills it; the exchange, the router and the writer read it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace core::http {

// What the proxy has to do with a field. The parser decides it once, so the writer compares no names.
enum class Known : std::uint8_t {
    other,              // forwarded as it is
    host,               // re-made
    content_length,     // re-made from the framing
    transfer_encoding,  // re-made from the framing
    connection,         // ours on either side
    upgrade,            // re-made where the upgrade goes on
    expect,             // forwarded or removed, as the exchange decides
    hop_by_hop,         // Keep-Alive, Proxy-Connection, TE, Trailer, HTTP2-Settings, and what Connection names
    forwarded_for,      // X-Forwarded-For
    forwarded_proto,    // X-Forwarded-Proto
    forwarding,  // any other claim about the way so far: X-Forwarded-*, Forwarded, Via, X-Real-IP, X-Original-URL
    request_id,  // X-Request-Id: as it is, or re-made where the proxy numbers requests
    date,        // added to a response that has none
    cookie,      // of a request: the cookie that chooses a server is ours
    unsafe,      // never forwarded in a request: Proxy (CVE-2016-5385), and twins of the names above (classify_folded)
};

struct Field {
    std::string_view name;   // as received
    std::string_view value;  // without white space at either end
    Known known = Known::other;
};

class Fields {
public:
    static constexpr std::size_t capacity = 500;

    void clear() noexcept { size_ = 0; }
    // False, with nothing added, when full.
    bool add(const Field& field) noexcept;
    // The first field of that name, in any case; nullptr when there is none.
    [[nodiscard]] const Field* find(std::string_view name) const noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] const Field* begin() const noexcept { return fields_.data(); }
    [[nodiscard]] const Field* end() const noexcept { return fields_.data() + size_; }
    [[nodiscard]] std::span<Field> all() noexcept { return {fields_.data(), size_}; }

private:
    std::array<Field, capacity> fields_;
    std::size_t size_ = 0;
};

// Ignores the case of ASCII letters only, which suffices for field names, tokens and host names.
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;

// True for a non-empty RFC 9110 5.6.2 token.
[[nodiscard]] bool valid_token(std::string_view text) noexcept;

// Which role a field name plays for a proxy; name is a token of letters, digits and single dashes.
[[nodiscard]] Known classify(std::string_view name) noexcept;
// The same for any other token. Gateway interfaces map names: CGI, WSGI and Rack turn '-' into '_'. Some turn every
// other sign into it, and some merge several in a row. Known::unsafe where the mapped name is one that we set, read or
// remove. So Transfer_Encoding, Transfer---Encoding and X.Real.IP never reach a server. Else Known::other.
[[nodiscard]] Known classify_folded(std::string_view name) noexcept;

// Walks a list and skips empty members: a comma list of RFC 9110 5.6.1, or a cookie list with semicolons.
class List {
public:
    explicit List(std::string_view text, char separator = ',') noexcept : rest_(text), separator_(separator) {}
    // The next member without the white space around it; false at the end.
    bool next(std::string_view& member) noexcept;

private:
    std::string_view rest_;
    char separator_;
};

// True when a list has the token, in any case.
[[nodiscard]] bool list_has(std::string_view list, std::string_view token) noexcept;

// What the Connection fields of one head say.
struct ConnectionOptions {
    bool close = false;
    bool keep_alive = false;
    bool upgrade = false;
};

// Reads every Connection field, and marks each field that it names as Known::hop_by_hop. Never marks a field that
// frames the message, names the host, describes the way so far or has credentials: removing those would let a client
// forge its identity (pingora 706). False: a member is no token, or more than connection_names_max fields are named.
[[nodiscard]] bool apply_connection(Fields& fields, ConnectionOptions& options) noexcept;

// More names than this have no honest use, and the work is names times fields, which the client chooses.
inline constexpr std::size_t connection_names_max = 16;

}  // namespace core::http

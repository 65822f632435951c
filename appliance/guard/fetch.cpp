#include "appliance/guard/fetch.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include "appliance/base/lookups.hpp"
#include "appliance/config/values/url.hpp"
#include "appliance/guard/connection.hpp"
#include "core/http/chunked.hpp"
#include "core/http/parser.hpp"

namespace appliance::guard {
namespace {

using config::Url;

std::atomic<std::size_t> held_together = 0;  // bytes of all answers

struct Reply {
    unsigned status = 0;
    std::string location;
    std::string body;
    AnswerMemory memory;
};

core::Result<void> cut_off() {
    return core::fail("it closed the connection", "in the middle of its answer");
}

core::Result<void> too_long() {
    return core::fail("its answer is longer than 16 MiB");
}

// Reads a body as its head frames it, with what has come of it already.
class AnswerBody {
public:
    AnswerBody(Connection& connection, std::string bytes) : connection_(connection), bytes_(std::move(bytes)) {}

    // into: status and location are there.
    core::Result<Reply> read(const core::http::Framing& framing, Reply into) {
        using Kind = core::http::Framing::Kind;
        auto read = memory_.take(bytes_.size());
        if (!read) {
            return tl::unexpected(std::move(read.error()));
        }
        switch (framing.kind) {
            case Kind::none:
                break;
            case Kind::chunked:
                read = read_chunks();
                break;
            case Kind::length:
                read = framing.length > answer_max ? too_long() : read_length(framing.length);
                break;
            case Kind::until_close:
                read = read_to_end();
                break;
        }
        if (!read) {
            return tl::unexpected(std::move(read.error()));
        }
        into.body = std::move(body_);
        into.memory = std::move(memory_);
        return into;
    }

private:
    core::Result<bool> receive() {
        const std::size_t before = bytes_.size();
        auto more = connection_.receive(bytes_);
        if (auto taken = memory_.take(bytes_.size() - before); !taken) {
            return tl::unexpected(std::move(taken.error()));
        }
        return more;
    }

    core::Result<void> read_length(std::uint64_t length) {
        while (bytes_.size() < length) {
            const auto more = receive();
            if (!more || !*more) {
                return more ? cut_off() : core::Result<void>(tl::unexpected(more.error()));
            }
        }
        bytes_.resize(length);
        body_ = std::move(bytes_);
        return {};
    }

    core::Result<void> read_to_end() {
        for (;;) {
            if (bytes_.size() > answer_max) {
                return too_long();
            }
            const auto more = receive();
            if (!more) {
                return tl::unexpected(more.error());
            }
            if (!*more) {
                body_ = std::move(bytes_);
                return {};
            }
        }
    }

    core::Result<void> read_chunks() {
        using Step = core::http::ChunkParser::Step;
        core::http::ChunkParser parser;
        for (;;) {
            std::string_view input = bytes_;
            const auto next = [&] { return parser.next(input, core::http::answer_chunks); };
            for (Step step = next(); step.kind != Step::Kind::more; step = next()) {
                if (step.kind == Step::Kind::end) {
                    return {};
                }
                if (step.kind == Step::Kind::bad || body_.size() + step.data.size() > answer_max) {
                    return step.kind == Step::Kind::bad ? core::fail("its answer is not HTTP", std::string(step.reason))
                                                        : too_long();
                }
                body_ += step.data;
            }
            bytes_.clear();
            const auto more = receive();
            if (!more || !*more) {
                return more ? cut_off() : core::Result<void>(tl::unexpected(more.error()));
            }
        }
    }

    Connection& connection_;
    std::string bytes_;
    std::string body_;
    AnswerMemory memory_;
};

// Refuses compressed answers: the request excludes them (Accept-Encoding: identity), and a few such bytes inflate to
// many. Names that are no coding ("UTF-8") are ignored.
core::Result<void> check_coding(const core::http::ResponseHead& head) {
    constexpr std::array<std::string_view, 7> codings{"gzip", "x-gzip",   "deflate",   "br",
                                                      "zstd", "compress", "x-compress"};
    for (const core::http::Field& field : head.fields) {
        const bool compressed =
            core::http::equals_ignoring_case(field.name, "Content-Encoding") &&
            std::any_of(codings.begin(), codings.end(), [&field](std::string_view coding) {
                return core::http::equals_ignoring_case(field.value.substr(0, coding.size()), coding);
            });
        if (compressed) {
            return core::fail("its answer is compressed", fmt::format("Content-Encoding: {:.40}", field.value),
                              "have the server send it as it is, as Accept-Encoding: identity asks");
        }
    }
    return {};
}

core::Result<Reply> read_reply(Connection& connection) {
    core::http::Limits limits;
    limits.head = answer_head_max;
    const auto head = std::make_unique<core::http::ResponseHead>();
    std::string bytes;
    std::size_t seen = 0;
    for (unsigned interim = 0; interim < 8;) {
        const auto parsed = core::http::parse_response(bytes, limits, "GET", *head, seen);
        if (parsed.bad()) {
            return core::fail("its answer is not HTTP", std::string(parsed.reason));
        }
        if (parsed.complete() && head->is_interim()) {
            bytes.erase(0, parsed.consumed);
            seen = 0;
            ++interim;
            continue;
        }
        if (parsed.complete()) {
            const core::http::Field* location = head->fields.find("Location");
            Reply reply{head->status, location == nullptr ? std::string() : std::string(location->value), {}, {}};
            if (reply.status != 200) {
                return reply;
            }
            if (auto plain = check_coding(*head); !plain) {
                return tl::unexpected(std::move(plain.error()));
            }
            const core::http::Framing framing = head->framing;
            return AnswerBody(connection, bytes.substr(parsed.consumed)).read(framing, std::move(reply));
        }
        seen = bytes.size();
        const auto more = connection.receive(bytes);
        if (!more || !*more) {
            return more ? core::fail("it closed the connection", bytes.empty() ? "without an answer" : "too early")
                        : core::Result<Reply>(tl::unexpected(more.error()));
        }
    }
    return core::fail("its answer is not HTTP", "nothing but interim answers");
}

std::string base64(const std::string& text) {
    std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
    const int size =
        ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                          reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    out.resize(static_cast<std::size_t>(size));
    return out;
}

// Never destroyed: threads of guards may outlive main.
base::Lookups& lookups() {
    constexpr unsigned at_once = 16;
    constexpr std::size_t addresses_tried = 8;
    static auto* const all = new base::Lookups(at_once, addresses_tried);
    return *all;
}

core::Result<Reply> ask_once(const Url& url, Deadline deadline, const std::filesystem::path& ca_file) {
    const auto addresses = lookups().look_up(url.host, url.port, deadline);
    if (!addresses) {
        return tl::unexpected(addresses.error());
    }
    auto connection = Connection::open(*addresses, deadline);
    if (!connection) {
        return tl::unexpected(std::move(connection.error()));
    }
    const std::string login = url.user.empty() && url.password.empty()
                                  ? std::string()
                                  : fmt::format("Authorization: Basic {}\r\n", base64(url.user + ":" + url.password));
    const std::string request = fmt::format(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: gatehouse-guard\r\nAccept: */*\r\nAccept-Encoding: identity\r\n{}"
        "Connection: close\r\n\r\n",
        url.target, url.authority(), login);
    auto sent = (url.tls ? connection->secure(url.host, ca_file) : core::Result<void>()).and_then([&] {
        return connection->send(request);
    });
    return sent ? read_reply(*connection) : core::Result<Reply>(tl::unexpected(std::move(sent.error())));
}

bool is_redirect(unsigned status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// RFC 3986 5.2, but for dots in paths, which servers resolve themselves.
std::optional<Url> follow_location(const Url& from, const std::string& location) {
    std::string absolute = location;
    if (location.starts_with("//")) {
        absolute = (from.tls ? "https:" : "http:") + location;
    } else if (!config::has_scheme(location)) {
        const std::string path = from.target.substr(0, from.target.find('?'));
        const std::string base = location.starts_with('/')   ? std::string()
                                 : location.starts_with('?') ? path
                                                             : path.substr(0, path.rfind('/') + 1);
        absolute = from.origin() + base + location;
    }
    auto to = location.empty() ? std::nullopt : config::parse_url(absolute);
    if (to) {
        const bool same = to->origin() == from.origin();
        to->user = same ? from.user : std::string();
        to->password = same ? from.password : std::string();
    }
    return to;
}

}  // namespace

AnswerMemory::~AnswerMemory() {
    held_together -= taken_;
}

core::Result<void> AnswerMemory::take(std::size_t bytes) {
    if (held_together.fetch_add(bytes) + bytes > answers_together_max) {
        held_together -= bytes;
        return core::fail("no memory for its answer", "others hold 128 MiB", "ask fewer guards at the same time");
    }
    taken_ += bytes;
    return {};
}

core::Result<Fetched> fetch(const config::Site& site, const std::string& query, Deadline deadline,
                            const std::filesystem::path& ca_file) {
    auto url = config::parse_url(site.url + query);
    if (!url) {
        return core::fail("cannot ask " + config::origin_of(site.url), "it is no URL");
    }
    url->user = site.user;
    url->password = site.password;
    const std::string first = url->origin();
    for (unsigned redirects = 0;; ++redirects) {
        const std::string origin = url->origin();
        const std::string what = "cannot ask " + first + (origin == first ? "" : ", which sends to " + origin);
        // A slow redirect leaves no time for its target.
        auto reply = std::chrono::steady_clock::now() < deadline ? ask_once(*url, deadline, ca_file)
                                                                 : core::fail("no answer in time");
        if (!reply) {
            return core::fail(what, reply.error().line());
        }
        if (reply->status == 200) {
            return Fetched{std::move(reply->body), origin == first ? std::string() : origin, std::move(reply->memory)};
        }
        if (!is_redirect(reply->status)) {
            return core::fail(what, fmt::format("status {}", reply->status),
                              reply->status == 401 ? "write user and password_file" : "");
        }
        auto next = follow_location(*url, reply->location);
        if (!next || redirects == redirects_max || (url->tls && !next->tls)) {
            return core::fail(what, !next                        ? "it redirects to what is no URL"
                                    : redirects == redirects_max ? fmt::format("more than {} redirects", redirects_max)
                                                                 : "it redirects from https to " + next->origin());
        }
        url = std::move(next);
    }
}

}  // namespace appliance::guard

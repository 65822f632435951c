#include "core/proxy/session/answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/base/duration.hpp"
#include "core/base/log.hpp"
#include "core/http/status.hpp"
#include "core/proxy/session/context.hpp"
#include "core/proxy/transfer/outbox.hpp"

namespace core::proxy {
namespace {

constexpr std::string_view builtin_page =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Back soon</title>\n<style>\n"
    "body{font:18px/1.6 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-items:center;"
    "background:#f6f7f9;color:#1c2733}\nmain{max-width:34rem;padding:2rem}\nh1{font-size:1.8rem;margin:0 0 1rem}\n"
    "p{margin:.5rem 0}\n@media(prefers-color-scheme:dark){body{background:#12181f;color:#e6edf3}}\n</style>\n</head>\n"
    "<body><main>\n<h1>We will be right back</h1>\n<p>This site is being worked on. Please try again in a moment.</p>\n"
    "<p>{{message}}</p>\n{{expected}}</main></body>\n</html>\n";

constexpr std::array<std::string_view, 3> media_types{"text/html; charset=utf-8", "application/json",
                                                      "text/plain; charset=utf-8"};

std::string_view type_of(Media media) {
    return media_types[static_cast<std::size_t>(media)];
}

std::string escape_html(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '&':
                out += "&amp;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

void fill_in(std::string& page, std::string_view name, std::string_view value) {
    for (std::size_t at = page.find(name); at != std::string::npos; at = page.find(name, at + value.size())) {
        page.replace(at, name.size(), value);
    }
}

// The q of one member of Accept, in thousandths (RFC 9110 12.4.2: 0 to 1, three decimals). 1000 where it is missing or
// malformed: "inf", "1e300" and "-1" too.
int quality(std::string_view member) {
    const std::size_t at = member.find("q=");
    const std::string_view rest = at == std::string_view::npos ? std::string_view() : member.substr(at + 2);
    const std::string_view text = rest.substr(0, rest.find_first_of("; \t"));
    if (text.empty() || (text[0] != '0' && text[0] != '1') || (text.size() > 1 && text[1] != '.')) {
        return 1000;
    }
    int value = (text[0] - '0') * 1000;
    int unit = 100;
    for (const char digit : text.substr(std::min<std::size_t>(text.size(), 2))) {
        if (digit < '0' || digit > '9' || unit == 0) {
            return 1000;
        }
        value += (digit - '0') * unit;
        unit /= 10;
    }
    return std::min(value, 1000);
}

// The announced end as a <time> element: text for people, an attribute for programs. It fits a page of any language.
std::string mark_up(const Administration::Maintenance& maintenance) {
    return fmt::format(R"(<time datetime="{}">{}</time>)", escape_html(maintenance.until),
                       escape_html(maintenance.until_local));
}

std::string page_in_html(const Snapshot& snapshot, const Administration::Maintenance& maintenance) {
    std::string page(snapshot.page.empty() ? builtin_page : std::string_view(snapshot.page));
    if (snapshot.page.empty()) {
        fill_in(page, "{{expected}}",
                maintenance.until.empty() ? "" : fmt::format("<p>Expected back: {}</p>\n", mark_up(maintenance)));
    }
    fill_in(page, "{{until}}", escape_html(maintenance.until_local));
    fill_in(page, "{{until_utc}}", escape_html(maintenance.until));
    fill_in(page, "{{message}}", escape_html(maintenance.message));  // last: placeholders in the message stay text
    return page;
}

// Retry-After in seconds: until the announced end, where that is in the future; else the configured time.
std::int64_t retry_after(const Snapshot& snapshot, const Administration::Maintenance& maintenance) {
    constexpr std::int64_t most = 24 * 3600;
    const auto left = maintenance.ends
                          ? std::chrono::ceil<std::chrono::seconds>(*maintenance.ends - base::wall_now()).count()
                          : std::int64_t{0};
    return left > 0 ? std::min(left, most) : snapshot.retry_after;
}

std::string page_text(Media media, const Snapshot& snapshot, const Administration::Maintenance& maintenance,
                      std::int64_t again) {
    const std::string& message = maintenance.message;
    const std::string& until = maintenance.until;
    if (media == Media::html) {
        return page_in_html(snapshot, maintenance);
    }
    if (media == Media::json) {
        std::string body = R"({"status":503,"error":"maintenance","message":")";
        base::append_json(body, message.empty() ? "Back soon" : message);
        body += "\",\"until\":";
        body += until.empty() ? "null" : "\"" + until + "\"";
        body += fmt::format(",\"retry_after\":{}}}\n", again);
        return body;
    }
    return fmt::format("503 Service Unavailable: maintenance. {}{}{}\n", message.empty() ? "Back soon." : message,
                       until.empty() ? "" : " Until ", maintenance.until_local);
}

std::string error_text(const OwnAnswer& answer) {
    if (answer.media == Media::json) {
        std::string body = fmt::format(R"({{"status":{},"error":")", answer.status);
        base::append_json(body, answer.reason);
        return body + "\"}\n";
    }
    if (answer.media == Media::html) {
        return fmt::format("<!doctype html>\n<title>{0} {1}</title>\n<h1>{0} {1}</h1>\n<p>{2}</p>\n", answer.status,
                           http::reason_phrase(answer.status), escape_html(answer.reason));
    }
    return fmt::format("{} {}: {}\n", answer.status, http::reason_phrase(answer.status), answer.reason);
}

io::Task<int> send_own(Session& session, const OwnAnswer& answer, const std::string& body,
                       std::span<const http::Field> extra) {
    Outbox outbox(session.context.scratch(), session.context.moved());
    outbox.aim(session.client, session.send_deadline, session.context.routing()->snapshot().timeouts.client);
    http::Answer head;
    head.status = answer.status;
    head.date = session.context.date();
    head.content_type = type_of(answer.media);
    head.content_length = body.size();
    head.persistence = answer.persistence;
    head.extra = extra;
    outbox.wrote(http::write_answer(head, outbox.room()));
    const int sent = co_await outbox.flush(answer.head_only ? std::string_view() : std::string_view(body));
    co_return sent < 0 ? sent : static_cast<int>(outbox.sent());
}

}  // namespace

Media preferred_media(const http::Fields& fields) {
    std::array<int, 3> best{-1, -1, -1};
    int any = -1;
    for (const http::Field& field : fields) {
        if (!http::equals_ignoring_case(field.name, "accept")) {
            continue;
        }
        http::List list(field.value);
        std::string_view member;
        while (list.next(member)) {
            const std::string_view type = member.substr(0, member.find_first_of("; \t"));
            const int q = quality(member);
            if (type == "text/html" || type == "application/xhtml+xml") {
                best[0] = std::max(best[0], q);
            } else if (type == "application/json" || type.ends_with("+json")) {
                best[1] = std::max(best[1], q);
            } else if (type == "text/plain") {
                best[2] = std::max(best[2], q);
            } else if (type == "*/*" || type == "text/*") {
                any = std::max(any, q);
            }
        }
    }
    const auto top = std::max_element(best.begin(), best.end());
    return *top > 0 && *top >= any ? static_cast<Media>(top - best.begin()) : Media::html;
}

io::Task<int> send_error(Session& session, const OwnAnswer& answer) {
    const std::string body = error_text(answer);
    co_return co_await send_own(session, answer, body, {});
}

io::Task<int> send_maintenance(Session& session, const OwnAnswer& answer, const Snapshot& snapshot,
                               const Administration::Maintenance* maintenance) {
    const Administration::Maintenance said = maintenance != nullptr ? *maintenance : Administration::Maintenance{};
    const std::int64_t again = retry_after(snapshot, said);
    const std::string body = page_text(answer.media, snapshot, said, again);
    const std::string seconds = std::to_string(again);
    const std::array<http::Field, 2> extra{{{"Retry-After", seconds}, {"Cache-Control", "no-store"}}};
    co_return co_await send_own(session, answer, body, extra);
}

}  // namespace core::proxy

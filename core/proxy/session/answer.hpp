// Answers that Gatehouse makes itself: refusals, gateway errors and the maintenance page.
#pragma once

#include <string>
#include <string_view>

#include "core/http/head.hpp"
#include "core/http/writer.hpp"
#include "core/io/task.hpp"
#include "core/proxy/session/session.hpp"
#include "core/proxy/upstream/routing.hpp"

namespace core::proxy {

// The media types that Gatehouse can answer with.
enum class Media : std::uint8_t { html, json, text };

// The best of the three by the Accept fields of head (RFC 9110 12.5.1); HTML where none is asked for.
Media preferred_media(const http::Fields& fields);

struct OwnAnswer {
    int status = 503;
    std::string_view reason;  // one line for the client and the log
    Media media = Media::text;
    bool head_only = false;  // the request was HEAD
    http::Persistence persistence = http::Persistence::close;
};

// Sends a short answer naming status and reason. Returns the bytes sent, or a negative errno.
io::Task<int> send_error(Session& session, const OwnAnswer& answer);

// Sends the maintenance page: 503, Retry-After, no-store. maintenance: null where no backend is usable and no operator
// has switched the page on. Fills in {{message}}, {{until}} (local time, for people) and {{until_utc}} (RFC 3339).
// Retry-After follows the announced end, up to a day; without one it is the configured time.
io::Task<int> send_maintenance(Session& session, const OwnAnswer& answer, const Snapshot& snapshot,
                               const Administration::Maintenance* maintenance);

}  // namespace core::proxy

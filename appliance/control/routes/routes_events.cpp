// The routes that tell what happens while it does: events as they are logged, what becomes of a change, and what has
// been changed.
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "appliance/control/diagnose/redact.hpp"
#include "appliance/control/routes/replies.hpp"
#include "appliance/control/routes/routes.hpp"

namespace appliance::control {
namespace {

// A write finds out that a follower has gone, and shows the others that the daemon is there.
constexpr core::Milliseconds heartbeat{10'000};
constexpr std::uint64_t wait_max = 30'000;
constexpr core::Milliseconds follow_step{20};

std::string query_of(const api::Request& request, const char* name) {
    const auto found = request.query.find(name);
    return found == request.query.end() ? std::string() : found->second;
}

std::string frame(std::uint64_t id, const std::string& kind, const std::string& line) {
    return "id: " + std::to_string(id) + "\nevent: " + kind + "\ndata: " + line + "\n\n";
}

// Server-sent events (WHATWG HTML, section 9.2), from those after Last-Event-ID or the query's `after` on; from now on
// where there is neither.
api::Reply follow_events(const Call& call) {
    Events& events = call.services.control.events();
    const std::string asked =
        call.request.last_event_id.empty() ? query_of(call.request, "after") : call.request.last_event_id;
    const auto after = asked.empty() ? std::optional(events.newest()) : read_number(asked);
    if (!after) {
        return complain(400, "'" + asked + "' is no event's id", "send the last id that was seen, or none");
    }
    if (call.request.method == "HEAD") {
        return {200, "text/event-stream", {}};
    }
    auto place = events.follow();
    if (!place) {
        return complain(503, core::Error{"cannot answer now", "too many follow events already", "try later", 0});
    }
    api::Reply answer{200, "text/event-stream", {}};
    answer.fields["Cache-Control"] = "no-store";
    answer.stream = [&events, place = std::move(place), seen = *after,
                     hide = call.request.peer.role == config::Role::read,
                     begun = false](const api::Reply::Write& write) mutable {
        if (!std::exchange(begun, true) && !write(": events\n\n")) {
            return false;
        }
        const Events::News news = events.after(seen, heartbeat);
        std::string text = news.missed ? "event: missed\ndata: {}\n\n" : news.events.empty() ? ": still here\n\n" : "";
        for (const Events::Event& event : news.events) {
            text += frame(event.id, event.kind, hide ? redact_line(event.line) : event.line);
            seen = event.id;
        }
        return write(text);
    };
    return answer;
}

// One entry of the audit log, when its outcome is known or after wait_ms.
api::Reply read_operation(const Call& call) {
    const auto id = read_number(query_of(call.request, "id"));
    const std::string asked = query_of(call.request, "wait_ms");
    const auto patience = asked.empty() ? std::optional<std::uint64_t>(0) : read_number(asked);
    if (!id || *id > INT64_MAX || !patience) {
        return complain(400, "'id' and 'wait_ms' must be numbers", "an id is in the field Gatehouse-Operation");
    }
    const auto deadline = Control::Clock::now() + core::Milliseconds(std::min(*patience, wait_max));
    for (;;) {
        const auto found = call.services.audit.find(static_cast<std::int64_t>(*id));
        if (!found) {
            return complain(500, found.error());
        }
        if (!*found) {
            return complain(404, "no operation " + std::to_string(*id), "gatehouse audit lists them");
        }
        if ((*found)->outcome != "begun" || Control::Clock::now() >= deadline) {
            return reply(200, view_audit_entry(**found));
        }
        std::this_thread::sleep_for(follow_step);
    }
}

api::Reply read_audit(const Call& call) {
    constexpr std::uint64_t usual = 20;
    const bool asked = call.request.query.contains("last");
    const auto last = asked ? number_in(call.request, "last") : usual;
    if (!last || *last < 1 || *last > AuditLog::read_max) {
        return complain(400, "'last' must be a number from 1 to " + std::to_string(AuditLog::read_max));
    }
    const auto entries = call.services.audit.last(static_cast<std::int64_t>(*last));
    return entries ? reply(200, view_audit(*entries)) : reply(Refusal{500, entries.error(), {}});
}

}  // namespace

std::span<const Route> event_routes() noexcept {
    static constexpr Route rows[] = {
        {"GET", "/v1/events", look, follow_events},
        {"GET", "/v1/operation", look, read_operation},
        {"GET", "/v1/audit", look, read_audit},
    };
    return rows;
}

}  // namespace appliance::control

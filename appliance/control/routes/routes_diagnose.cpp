// The routes for operators without a shell: what the machine can reach, the end of its log, and all there is to know in
// one document.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "appliance/control/diagnose/diagnose.hpp"
#include "appliance/control/routes/replies.hpp"
#include "appliance/control/routes/routes.hpp"
#include "appliance/control/routes/support.hpp"

namespace appliance::control {
namespace {

using Json = nlohmann::ordered_json;
using nlohmann::json;

constexpr std::uint64_t log_lines_usual = 100;
constexpr std::size_t host_bytes = 253;  // the longest name (RFC 1035, section 2.3.4, as text)

tl::unexpected<api::Reply> bad_field(const char* field, const char* must) {
    return tl::unexpected(complain(400, std::string("'") + field + "' must be " + must));
}

tl::expected<std::string, api::Reply> read_host(const json& body, const char* field) {
    const json host = body.value(field, json());
    const auto fits = [](const std::string& text) {
        return !text.empty() && text.size() <= host_bytes &&
               std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > ' ' && c != 0x7f; });
    };
    if (!host.is_string() || !fits(host.get_ref<const std::string&>())) {
        return bad_field(field, "a name or an address of at most 253 bytes");
    }
    return host.get<std::string>();
}

// usual: where there is none.
tl::expected<std::int64_t, api::Reply> read_field_number(const json& body, const char* field, std::int64_t usual,
                                                         std::int64_t max, const char* must) {
    const json number = body.contains(field) ? body[field] : json(usual);
    if (!number.is_number_integer() || number < 1 || number > max) {
        return bad_field(field, must);
    }
    return number.get<std::int64_t>();
}

tl::expected<core::Milliseconds, api::Reply> read_timeout(const json& body) {
    return read_field_number(body, "timeout_ms", diagnose::timeout_usual.count(), diagnose::timeout_max.count(),
                             "a number of milliseconds from 1 to 10000")
        .map([](std::int64_t number) { return core::Milliseconds(number); });
}

api::Reply too_many() {
    return complain(503, core::Error{"cannot answer now", "others diagnose already", "try again in a moment", 0});
}

// The caller that lets the machine send packets stands in its log. ask gets a place.
template <typename Ask>
api::Reply carry_out(const Call& call, const char* what, const std::string& host, Ask ask) {
    const diagnose::Place place = diagnose::take_place();
    if (!place) {
        return too_many();
    }
    const api::Peer& peer = call.request.peer;
    call.services.control.log("diagnose", {{"what", what}, {"host", host}, {"who", peer.user}, {"from", peer.from}});
    return reply(200, ask(place));
}

api::Reply answer_connect(const Call& call) {
    const auto host = read_host(call.body, "host");
    const auto port = read_field_number(call.body, "port", 0, 65'535, "a number from 1 to 65535");
    const auto timeout = read_timeout(call.body);
    if (!host || !port || !timeout) {
        return !host ? host.error() : !port ? port.error() : timeout.error();
    }
    return carry_out(call, "connect", *host, [&](const diagnose::Place& place) {
        Json answer = diagnose::connect(*host, static_cast<std::uint16_t>(*port), *timeout, place);
        // Our own fence refuses our own packets, too, but for those of checks.
        const auto address = core::Address::parse(answer["address"].get<std::string>());
        answer["note"] = address ? call.services.control.fence_note(*address) : "";
        return answer;
    });
}

api::Reply answer_resolve(const Call& call) {
    const auto name = read_host(call.body, "name");
    const auto timeout = read_timeout(call.body);
    if (!name || !timeout) {
        return !name ? name.error() : timeout.error();
    }
    return carry_out(call, "resolve", *name,
                     [&](const diagnose::Place& place) { return diagnose::resolve(*name, *timeout, place); });
}

api::Reply answer_ping(const Call& call) {
    const auto host = read_host(call.body, "host");
    const auto count =
        read_field_number(call.body, "count", diagnose::echoes_usual, diagnose::echoes_max, "a number from 1 to 10");
    const auto timeout = read_timeout(call.body);
    if (!host || !count || !timeout) {
        return !host ? host.error() : !count ? count.error() : timeout.error();
    }
    return carry_out(call, "ping", *host, [&](const diagnose::Place& place) {
        return diagnose::ping(*host, static_cast<unsigned>(*count), *timeout, place);
    });
}

api::Reply read_log(const Call& call) {
    const bool asked = call.request.query.contains("lines");
    const auto lines = asked ? number_in(call.request, "lines") : log_lines_usual;
    if (!lines || *lines < 1 || *lines > log_lines_max) {
        return complain(400, "'lines' must be a number from 1 to " + std::to_string(log_lines_max));
    }
    return reply(200, last_lines(call.services.control.events(), *lines));
}

api::Reply read_support(const Call& call) {
    const diagnose::Place place = diagnose::take_place();
    return place ? reply(200, support(call.services)) : too_many();
}

}  // namespace

std::span<const Route> diagnose_routes() noexcept {
    static constexpr Route rows[] = {
        {"POST", "/v1/diagnose/connect", operate, answer_connect},
        {"POST", "/v1/diagnose/resolve", operate, answer_resolve},
        {"POST", "/v1/diagnose/ping", operate, answer_ping},
        {"GET", "/v1/log", look, read_log},
        {"GET", "/v1/support", admin, read_support},
    };
    return rows;
}

}  // namespace appliance::control

#include "appliance/control/routes/read_order.hpp"

#include <nlohmann/json.hpp>
#include <utility>

namespace appliance::control {
namespace {

using nlohmann::json;

// Ten years: what config's durations allow too.
constexpr std::int64_t duration_max_ms = std::int64_t{3650} * 24 * 3600 * 1000;

tl::unexpected<Refusal> wrong(const char* field, const char* must) {
    return refuse(400, {std::string("'") + field + "' must be " + must, "", "", 0});
}

bool absent(const json& body, const char* field) {
    return !body.contains(field) || body[field].is_null();
}

Outcome<std::optional<std::string>> read_text(const json& body, const char* field) {
    if (absent(body, field)) {
        return std::optional<std::string>();
    }
    // The fence process and the kernel keep texts that end with a NUL.
    const auto* const text = body[field].get_ptr<const std::string*>();
    if (text == nullptr || text->size() > words_max || text->find('\0') != std::string::npos) {
        return wrong(field, "a text of at most 1000 bytes, without NUL");
    }
    return std::optional(*text);
}

Outcome<std::optional<core::Milliseconds>> read_ms(const json& body, const char* field) {
    if (absent(body, field)) {
        return std::optional<core::Milliseconds>();
    }
    const json& number = body[field];
    if (!number.is_number_integer() || number < 0 || number > duration_max_ms) {
        return wrong(field, "a number of milliseconds from 0 to ten years");
    }
    return std::optional(core::Milliseconds(number.get<std::int64_t>()));
}

Outcome<std::vector<std::string>> read_servers(const json& body) {
    constexpr const char* must = "a list of 1 to 1024 names";
    const json servers = body.value("servers", json());
    if (!servers.is_array() || servers.empty() || servers.size() > servers_max) {
        return wrong("servers", must);
    }
    std::vector<std::string> names;
    for (const json& name : servers) {
        if (!name.is_string()) {
            return wrong("servers", must);
        }
        names.push_back(name.get<std::string>());
    }
    return names;
}

Outcome<std::optional<config::FenceMode>> read_mode(const json& body) {
    if (absent(body, "mode")) {
        return std::optional<config::FenceMode>();
    }
    for (const auto mode : {config::FenceMode::reset, config::FenceMode::icmp, config::FenceMode::drop}) {
        if (body["mode"] == config::print(mode)) {
            return std::optional(mode);
        }
    }
    return wrong("mode", "reset, icmp or drop");
}

Outcome<netfilter::Scope> read_scope(const json& body) {
    for (const auto scope : {netfilter::Scope::fresh, netfilter::Scope::all}) {
        if (body.value("scope", json(netfilter::print(netfilter::Scope::fresh))) == netfilter::print(scope)) {
            return scope;
        }
    }
    return wrong("scope", "new or all");
}

// Moves the value of an outcome into place; an error is the caller's answer.
template <typename T, typename To>
bool take(Outcome<T>&& from, To& to, std::optional<Refusal>& refusal) {
    if (!from) {
        refusal = refusal ? std::move(refusal) : std::optional(std::move(from.error()));
        return false;
    }
    to = std::move(*from);
    return true;
}

}  // namespace

Outcome<Words> read_words(const json& body, const api::Peer& peer) {
    auto why = read_text(body, "why");
    auto claimed = read_text(body, "claimed_by");
    if (!why || !claimed) {
        return tl::unexpected(std::move(why ? claimed.error() : why.error()));
    }
    Words words{peer.user, why->value_or("")};
    const std::string claim = claimed->value_or("");
    if (peer.remote()) {
        words.acts_for = claim == peer.user ? "" : claim;
    } else if (peer.uid == 0 && !claim.empty() && claim != peer.user) {
        words.who = claim + " (" + peer.user + ")";
    }
    return words;
}

Outcome<FenceOrder> read_fence(const json& body, const api::Peer& peer) {
    const json kill = body.value("kill", json(false));
    if (!kill.is_boolean() || (kill == true && !absent(body, "drain_ms"))) {
        return wrong("kill", "true or false, and not true together with 'drain_ms'");
    }
    const json replace = body.value("replace", json(false));
    if (!replace.is_boolean()) {
        return wrong("replace", "true or false");
    }
    FenceOrder order;
    order.kill = kill;
    order.replace = replace;
    Words words;
    std::optional<Refusal> refusal;
    take(read_servers(body), order.servers, refusal);
    take(read_text(body, "pool"), order.pool, refusal);
    take(read_mode(body), order.mode, refusal);
    take(read_scope(body), order.scope, refusal);
    take(read_ms(body, "drain_ms"), order.drain, refusal);
    take(read_ms(body, "for_ms"), order.lasts, refusal);
    take(read_words(body, peer), words, refusal);
    if (refusal) {
        return tl::unexpected(std::move(*refusal));
    }
    // The kernel's clock for fences runs in seconds.
    if (order.lasts && *order.lasts < core::Milliseconds{1'000}) {
        return wrong("for_ms", "at least 1000");
    }
    order.who = std::move(words.who);
    order.why = std::move(words.why);
    return order;
}

Outcome<UnfenceOrder> read_unfence(const json& body, const api::Peer& peer) {
    const json replace = body.value("replace", json(false));
    if (!replace.is_boolean()) {
        return wrong("replace", "true or false");
    }
    UnfenceOrder order;
    order.replace = replace;
    Words words;
    std::optional<Refusal> refusal;
    take(read_servers(body), order.servers, refusal);
    take(read_text(body, "pool"), order.pool, refusal);
    take(read_ms(body, "wait_ms"), order.wait, refusal);
    take(read_words(body, peer), words, refusal);
    if (refusal) {
        return tl::unexpected(std::move(*refusal));
    }
    order.who = std::move(words.who);
    order.why = std::move(words.why);
    return order;
}

Outcome<MaintenanceOrder> read_maintenance(const json& body, const api::Peer& peer) {
    if (!body.contains("on") || !body["on"].is_boolean()) {
        return wrong("on", "true or false");
    }
    MaintenanceOrder order;
    order.on = body["on"];
    std::optional<std::string> message;
    std::optional<std::string> until;
    Words words;
    std::optional<Refusal> refusal;
    take(read_text(body, "pool"), order.pool, refusal);
    take(read_text(body, "message"), message, refusal);
    take(read_text(body, "until"), until, refusal);
    take(read_words(body, peer), words, refusal);
    if (refusal) {
        return tl::unexpected(std::move(*refusal));
    }
    if (until) {
        const auto time = core::base::parse_time(*until);
        if (!time || *time <= core::base::wall_now()) {
            return wrong("until", "a time in the future, as 2026-11-22T14:03:05Z");
        }
        order.until = *time;
    }
    order.message = message.value_or("");
    order.who = std::move(words.who);
    order.why = std::move(words.why);
    return order;
}

Outcome<WeightOrder> read_weight(const json& body, const api::Peer& peer) {
    const json reset = body.value("reset", json(false));
    if (!reset.is_boolean() || (reset == true) == !absent(body, "weight")) {
        return wrong("weight", "a number from 1 to 256, or left out where 'reset' is true");
    }
    WeightOrder order;
    Words words;
    std::optional<Refusal> refusal;
    take(read_servers(body), order.servers, refusal);
    take(read_text(body, "pool"), order.pool, refusal);
    take(read_words(body, peer), words, refusal);
    if (refusal) {
        return tl::unexpected(std::move(*refusal));
    }
    if (reset != true) {
        const json& weight = body["weight"];
        if (!weight.is_number_integer() || weight < 1 || weight > config::Bounds::weight) {
            return wrong("weight", "a number from 1 to 256; 'fence' sends a server nobody at all");
        }
        order.weight = weight.get<unsigned>();
    }
    order.who = std::move(words.who);
    order.why = std::move(words.why);
    return order;
}

}  // namespace appliance::control

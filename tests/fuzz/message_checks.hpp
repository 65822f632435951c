// The properties of the decoders of the links between supervisor, control and proxy, from both ends. For any input no
// exception leaves a decoder, and accepted messages satisfy their readers' assumptions. Used by the fuzz target and by
// tests/appliance/boot/message_test.cpp.
#pragma once

#include <cstring>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/boot/proxy/proxy_orders.hpp"
#include "appliance/config/model/config.hpp"
#include "appliance/control/link/report.hpp"
#include "appliance/link/fields.hpp"
#include "appliance/link/notice.hpp"
#include "appliance/link/request.hpp"

namespace appliance::fuzz {

using nlohmann::json;

// Messages as our processes send them; one of each kind.
inline const std::vector<json>& good_messages() {
    static const std::vector<json> all = [] {
        const char* const texts[] = {
            R"({"type":"ready","id":1})",
            R"({"type":"check_upgrade","id":2,"who":"root","why":"new"})",
            R"({"type":"upgrade","id":3})",
            R"({"type":"open_listeners","id":4,"address":"10.0.0.1:80","count":2})",
            R"({"type":"close_listeners","id":5,"address":"[fd00::1]:80"})",
            R"({"type":"open_probe_sockets","id":6,"family":"v6","count":3})",
            R"({"type":"is_child","id":7,"pid":4711})",
            R"({"type":"end_child","id":8,"process":"proxy","why":"rubbish"})",
            R"({"type":"child_exited","process":"fence","why":"signal 9"})",
            R"({"type":"handed_over"})",
            R"({"type":"child_started","process":"proxy","pid":9,"beside":false})",
            R"({"type":"upgrade","upgrade":{"state":"done","number":1},"old_proxies":2})",
            R"({"type":"stop","deadline_ms":30000})",
            R"({"type":"drain","id":9,"deadline_ms":1000,"idle":"stay"})",
            R"({"type":"administer","id":10,"fences_known":true,"state_known":false,"fences":[{"pool":"app","server":"web1"}],
                "maintenance":[{"pool":"app","message":"soon","until":"2026-11-28T20:00:00Z","until_local":"later"}],
                "weights":[{"pool":"app","server":"web1","weight":7}]})",
            R"({"type":"report","id":11,"moved":{"copied":1,"spliced":2},"shortages":{"connections":0,"checks":3},
                "listeners":[{"name":"web","sessions":1,"accepted":2,"refused":0}],
                "pools":[{"name":"app","queue":{"waiting":0,"waited":0,"overflow":0,"expired":0},
                "visitors":{"requests":1,"status":[1,0,0,0],"ours":0,"broken":0,"retried":0,"waited":0,"took_us":9,
                "latency":[[3,1]]},"backends":[{"server":"web1","address":"10.0.0.1:80","active":0,"total":1,"failed":0,
                "check":{"state":"up","why":"200","carried":false,"since":"x","last_ms":1,"passed":1,"failed":0}}]}]})",
            R"({"type":"configure","id":12,"workers":2,"listeners":[{"name":"web","address":"0.0.0.0:80","mode":"http",
                "pool":"app","routes":[{"host":"a","path":"/","pool":"app"}],"trusted":["10.0.0.0/8"],
                "proxy_protocol":false,"proto":"http","forwarded":true,"via":false,"request_id":true,
                "fds":2}],
                "pools":[{"name":"app","balance":"round_robin","cookie":"","host":"","source":["10.0.0.5"],"abort_on_close":true,
                "backend_timeout":0,"queue":10,"queue_timeout":1000,"hold":0,"slow_start":0,"proxy_protocol":"off",
                "check":{"type":"http","method":"GET","path":"/","host":"","port":0,"headers":["X: y"],
                "expect":["200","3xx"],"interval":1000,"timeout":500,"fall":2,"rise":1,"passive_fall":0},
                "backends":[{"server":"web1","address":"10.0.0.1:80","weight":1,"max_connections":0,"backup":false}]}],
                "maintenance":{"page":"<p>","retry_after_s":1,"bypass":{"networks":["10.0.0.0/8"],"cookie":"a=b",
                "header":"X: y"}},"timeouts":{"head":100,"keep_alive":100,"connect":10,"backend":100,"client":100,
                "relay_idle":1000},"relay_drain_ms":0,"limits":{"sessions":10,"sessions_per_source":0,"head":1024,
                "request_line":512,"fields":32,"answer_head":2048,"answer_fields":50,"chunk_extension":64,"trailers":64,
                "body_rate":0,"body_credit":1000,"answer_rate":0,"answer_credit":1000},
                "zero_copy":true,"log":{"exchanges":false},"probe_sockets":{"v4":1,"v6":0}})"};
        std::vector<json> messages;
        for (const char* text : texts) {
            messages.push_back(json::parse(text));
        }
        return messages;
    }();
    return all;
}

// Enough descriptors for each kind of message.
inline std::vector<core::base::Descriptor> empty_descriptors(std::size_t count) {
    return std::vector<core::base::Descriptor>(count);
}

inline std::string_view check_order(const boot::ProxyOrder& order) {
    const auto* configure = std::get_if<boot::ConfigureOrder>(&order);
    if (configure == nullptr) {
        return {};
    }
    if (configure->workers == 0 || configure->workers > config::Bounds::workers ||
        configure->sockets.size() != configure->snapshot->listeners.size()) {
        return "the proxy would take sockets that did not come";
    }
    for (const auto& sockets : configure->sockets) {
        if (sockets.size() != configure->workers) {
            return "a worker would have no socket";
        }
    }
    for (const auto& target : configure->targets) {
        if (target.check.fall == 0 || target.check.interval < core::Milliseconds(0)) {
            return "a check would never end";
        }
    }
    return {};
}

// How many decoders accept the text, and a property that does not hold. All decoders get it, because a peer may send
// anything.
struct Taken {
    unsigned decoders = 0;
    std::string_view trouble{};
};

inline Taken check_text(std::string_view text) {
    Taken taken;
    try {
        const auto body = link::parse_message(text);
        if (!body) {
            return body.error().line().empty() ? Taken{0, "refused without a reason"} : taken;
        }
        if (const auto request = link::decode_request(*body)) {
            ++taken.decoders;
            const auto* open = std::get_if<link::OpenListeners>(&request->what);
            if (open != nullptr && open->count == 0) {
                taken.trouble = "no sockets were asked for";
            }
        }
        for (const std::size_t fds : {0U, 1U}) {
            taken.decoders += link::decode_notice({*body, empty_descriptors(fds)}).has_value() ? 1 : 0;
        }
        taken.decoders += control::decode_report(*body).has_value() ? 1 : 0;
        for (const std::size_t fds : {0U, 3U}) {
            if (const auto order = boot::decode_order({*body, empty_descriptors(fds)})) {
                ++taken.decoders;
                taken.trouble = taken.trouble.empty() ? check_order(*order) : taken.trouble;
            }
        }
    } catch (const std::exception&) {
        taken.trouble = "an exception has left a decoder";
    }
    return taken;
}

// A value that is invalid everywhere, or at the wrong place.
inline json odd_value(std::uint8_t kind) {
    static const std::vector<json> all{nullptr,
                                       true,
                                       0,
                                       -1,
                                       1.5,
                                       1e300,
                                       18446744073709551615ULL,
                                       -9223372036854775807LL,
                                       "",
                                       "x",
                                       json::array(),
                                       json::object(),
                                       json::array({1}),
                                       {{"type", 5}},
                                       std::string(300, 'y'),
                                       "10.0.0.1:0",
                                       4294967296ULL,
                                       "proxy"};
    return all[kind % all.size()];
}

// Each byte pair goes one step into the message and, at its end, replaces or removes a value.
inline std::string_view check_broken(std::span<const std::byte> bytes) {
    if (bytes.empty()) {
        return {};
    }
    const auto at = [&bytes](std::size_t i) {
        return i < bytes.size() ? static_cast<std::uint8_t>(bytes[i]) : std::uint8_t{0};
    };
    json message = good_messages()[at(0) % good_messages().size()];
    for (std::size_t i = 1; i < bytes.size(); i += 4) {
        json* place = &message;
        for (unsigned depth = at(i) % 6; depth > 0 && place->is_structured() && !place->empty(); --depth) {
            auto next = place->begin();
            std::advance(next, (at(i + 1) + depth * at(i + 2)) % place->size());
            place = &*next;
        }
        if (place != &message) {
            *place = odd_value(at(i + 3));
        }
    }
    return check_text(message.dump(-1, ' ', false, json::error_handler_t::replace)).trouble;
}

}  // namespace appliance::fuzz

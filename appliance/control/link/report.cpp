#include "appliance/control/link/report.hpp"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <utility>

#include "appliance/link/fields.hpp"
#include "core/http/oddity.hpp"

namespace appliance::control {
namespace {

using link::Malformed;
using nlohmann::json;

constexpr std::uint64_t any = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t words_max = 8'192;

void check_counts(const json& object, std::initializer_list<const char*> names) {
    for (const char* name : names) {
        if (object.contains(name)) {
            link::read_number(object.at(name), name, 0, any);
        }
    }
}

void check_texts(const json& object, std::initializer_list<const char*> names) {
    for (const char* name : names) {
        if (object.contains(name)) {
            link::read_text(object, name, words_max);
        }
    }
}

// An object in that field; nothing where there is none.
const json* find_object(const json& object, const char* name) {
    if (!object.contains(name) || object.at(name).is_null()) {
        return nullptr;
    }
    return object.at(name).is_object() ? &object.at(name) : throw Malformed(name, "is no object");
}

void check_numbers(const json& object, const char* name) {
    if (object.contains(name)) {
        for (const json& number : link::read_list(object, name)) {
            link::read_number(number, name, 0, any);
        }
    }
}

void check_visitors(const json& seen) {
    check_counts(seen, {"requests", "ours", "broken", "retried", "waited", "took_us"});
    check_numbers(seen, "status");
    if (!seen.contains("latency")) {
        return;
    }
    for (const json& bucket : link::read_list(seen, "latency")) {
        if (!bucket.is_array() || bucket.size() != 2) {
            throw Malformed("latency", "has something else than pairs");
        }
        link::read_number(bucket[0], "latency", 0, any);
        link::read_number(bucket[1], "latency", 0, any);
    }
}

void check_odd(const json& odd) {
    for (const auto& [kind, number] : odd.items()) {
        if (std::ranges::find(core::http::oddity_names, kind) == core::http::oddity_names.end()) {
            throw Malformed("odd", "names a kind that is none of ours");
        }
        link::read_number(number, "odd", 0, any);
    }
}

void check_backend(const json& backend) {
    link::read_text(backend, "server", words_max);
    check_texts(backend, {"address"});
    check_counts(backend, {"active", "total", "failed"});
    if (const json* odd = find_object(backend, "odd")) {
        check_odd(*odd);
    }
    if (const json* check = find_object(backend, "check")) {
        check_texts(*check, {"state", "why", "since"});
        check_counts(*check, {"last_ms", "passed", "failed"});
        if (check->contains("carried")) {
            link::read_flag(*check, "carried");
        }
    }
}

void check_pool(const json& pool) {
    link::read_text(pool, "name", words_max);
    if (const json* queue = find_object(pool, "queue")) {
        check_counts(*queue, {"waiting", "waited", "overflow", "expired"});
    }
    if (const json* visitors = find_object(pool, "visitors")) {
        check_visitors(*visitors);
    }
    if (pool.contains("backends")) {
        for (const json& backend : link::read_list(pool, "backends")) {
            check_backend(backend);
        }
    }
}

void check(const json& report) {
    if (link::read_text(report, "type") != "report") {
        throw Malformed("type", "is not that of a report");
    }
    if (const json* moved = find_object(report, "moved")) {
        check_counts(*moved, {"copied", "spliced"});
    }
    if (const json* shortages = find_object(report, "shortages")) {
        check_counts(*shortages, {"connections", "checks"});
    }
    if (report.contains("listeners")) {
        for (const json& listener : link::read_list(report, "listeners")) {
            link::read_text(listener, "name", words_max);
            check_counts(listener, {"sessions", "accepted", "refused"});
        }
    }
    if (report.contains("pools")) {
        for (const json& pool : link::read_list(report, "pools")) {
            check_pool(pool);
        }
    }
}

void check_refusal(const json& one) {
    check_texts(one, {"at", "client", "reason", "line", "byte", "field", "listener", "pool", "server"});
    check_counts(one, {"status", "offset"});
}

}  // namespace

core::Result<json> decode_refusals(json answer) {
    return link::decode("the refusals of the proxy", [&answer] {
        for (const json& one : link::read_list(answer, "refusals")) {
            check_refusal(one);
        }
        return std::move(answer);
    });
}

core::Result<json> decode_report(json report) {
    return link::decode("the report of the proxy", [&report] {
        check(report);
        return std::move(report);
    });
}

}  // namespace appliance::control

#include "appliance/control/observe/metrics.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <string_view>

#include "appliance/control/observe/visitors.hpp"
#include "core/base/duration.hpp"
#include "core/base/histogram.hpp"

namespace appliance::control {
namespace {

using Json = nlohmann::ordered_json;
using nlohmann::json;
using Labels = std::vector<std::pair<std::string, std::string>>;

// Null where object has no such member.
const Json& member(const Json& object, const char* name) {
    static const Json nothing;
    const auto found = object.find(name);
    return object.is_object() && found != object.end() ? *found : nothing;
}

std::string word(const Json& object, const char* name) {
    const Json& found = member(object, name);
    return found.is_string() ? found.get<std::string>() : std::string();
}

struct Column {
    const char* metric;
    const char* type;
    const char* help;
    const char* field;   // of each item
    double scale = 1.0;  // of its number
};

class Collector {
public:
    void add(Metric metric) { metrics_.push_back(std::move(metric)); }
    // Good until the next one is added.
    Metric& metric(std::string_view name, std::string_view type, std::string_view help) {
        return metrics_.emplace_back(
            Metric{fmt::format("gatehouse_{}", name), std::string(type), std::string(help), {}});
    }
    void single(std::string_view name, std::string_view type, std::string_view help, double value, Labels labels = {}) {
        metric(name, type, help).samples.push_back({{}, std::move(labels), value});
    }
    // One metric of a number that each item has, or has not.
    template <typename Items>
    void column(const Column& column, const Items& items) {
        Metric& added = metric(column.metric, column.type, column.help);
        for (const auto& [item, labels] : items) {
            if (const Json& number = member(*item, column.field); number.is_number()) {
                added.samples.push_back({{}, labels, number.template get<double>() * column.scale});
            }
        }
    }
    // One metric that says 1 where the item's field is that word, else 0; nothing where the field is not known.
    template <typename Items>
    void state(const Column& column, const char* wanted, const Items& items) {
        Metric& added = metric(column.metric, column.type, column.help);
        for (const auto& [item, labels] : items) {
            if (const std::string found = word(*item, column.field); found != "unknown") {
                added.samples.push_back({{}, labels, found == wanted ? 1.0 : 0.0});
            }
        }
    }
    [[nodiscard]] std::vector<Metric> take() { return std::move(metrics_); }

private:
    std::vector<Metric> metrics_;
};

using Items = std::vector<std::pair<const Json*, Labels>>;

void collect_process(Collector& to, const Json& status) {
    to.single("info", "gauge", "The version that runs.", 1, {{"version", word(status, "version")}});
    if (const auto since = core::base::parse_time(word(status, "since"))) {
        to.single("start_time_seconds", "gauge", "When the control process started, in seconds since 1970.",
                  std::chrono::duration<double>(since->time_since_epoch()).count());
    }
    Metric& running = to.metric("process_running", "gauge", "1: the process runs.");
    for (const char* const name : {"proxy", "fence_helper"}) {
        const bool runs = word(member(status, name), "state") == "running";
        running.samples.push_back({{}, {{"process", name}}, runs ? 1.0 : 0.0});
    }
    to.column(
        {"drift_repairs_total", "counter", "Foreign changes of our nftables tables that were put right.", "repairs"},
        Items{{&member(status, "fence_helper"), {}}});
    const Json& folder = member(status, "state_folder");
    to.single("state_folder_ok", "gauge",
              "1: the state folder takes changes. 0: fences and the page are kept in memory.",
              word(folder, "state") == "ok" ? 1.0 : 0.0);
    to.single("state_unsaved", "gauge", "1: memory and kernel hold what the disk does not.",
              member(folder, "unsaved") == true ? 1.0 : 0.0);
    const Json& moved = member(status, "moved");
    Metric& bytes = to.metric("sent_bytes_total", "counter", "Bytes sent to clients and servers, by what moved them.");
    for (const auto& [mover, field] : {std::pair("copy", "copied"), std::pair("splice", "spliced")}) {
        if (const Json& number = member(moved, field); number.is_number()) {
            bytes.samples.push_back({{}, {{"mover", mover}}, number.get<double>()});
        }
    }
    Metric& shortages = to.metric("shortages_total", "counter",
                                  "What could not be done for want of ports, descriptors or memory of the machine's.");
    for (const auto& [what, field] : {std::pair("connection", "connections"), std::pair("check", "checks")}) {
        if (const Json& number = member(member(status, "shortages"), field); number.is_number()) {
            shortages.samples.push_back({{}, {{"what", what}}, number.get<double>()});
        }
    }
}

void collect_listeners(Collector& to, const Json& status) {
    Items listeners;
    for (const Json& listener : member(status, "listeners")) {
        listeners.push_back({&listener, {{"listener", word(listener, "name")}}});
    }
    to.column({"listener_sessions", "gauge", "Sessions that are open.", "sessions"}, listeners);
    to.column({"listener_accepted_total", "counter", "Connections accepted.", "accepted"}, listeners);
    to.column({"listener_refused_total", "counter", "Connections reset because their source had too many.", "refused"},
              listeners);
    Metric& present = to.metric("listener_present", "gauge", "1: its address is one of this machine's.");
    for (const auto& [listener, labels] : listeners) {
        if (const Json& known = member(*listener, "present"); known.is_boolean()) {
            present.samples.push_back({{}, labels, known.get<bool>() ? 1.0 : 0.0});
        }
    }
}

// Up to this power of two, in microseconds: 67 seconds.
constexpr unsigned bucket_last = 26;
constexpr unsigned bucket_first = 7;

void collect_latency(Metric& to, const Labels& labels, const json& visitors) {
    const auto latency = latency_in(visitors);
    if (!latency) {
        return;
    }
    const auto add = [&](const char* suffix, Labels with, double value) {
        with.insert(with.begin(), labels.begin(), labels.end());
        to.samples.push_back({suffix, std::move(with), value});
    };
    for (unsigned power = bucket_first; power <= bucket_last; ++power) {
        const core::base::Histogram::Duration limit(std::int64_t{1} << power);
        add("_bucket", {{"le", fmt::format("{}", std::chrono::duration<double>(limit).count())}},
            static_cast<double>(latency->below(limit)));
    }
    const auto all = static_cast<double>(latency->total());
    add("_bucket", {{"le", "+Inf"}}, all);
    add("_sum", {}, visitors.value("took_us", 0.0) / 1e6);
    add("_count", {}, all);
}

void collect_visitors(Collector& to, const Items& pools, const json& report) {
    Items visitors;
    Metric requests{"gatehouse_pool_requests_total", "counter", "Exchanges that ended, by what the visitor saw.", {}};
    Metric latency{
        "gatehouse_pool_request_duration_seconds", "histogram", "From a request's head to the end of its answer.", {}};
    for (const auto& [pool, labels] : pools) {
        const Json& seen = member(*pool, "visitors");
        visitors.push_back({&seen, labels});
        const Json& status = member(seen, "status");
        for (auto kind = status.begin(); kind != status.end(); ++kind) {
            Labels with = labels;
            with.emplace_back("status", kind.key());
            requests.samples.push_back({{}, std::move(with), kind->get<double>()});
        }
        collect_latency(latency, labels, visitors_in(report, word(*pool, "name")));
    }
    to.add(std::move(requests));
    to.column({"pool_own_errors_total", "counter", "Answers with 5xx that Gatehouse made itself.", "ours"}, visitors);
    to.column({"pool_broken_total", "counter", "Answers that broke off, not by the visitor.", "broken"}, visitors);
    to.column({"pool_retried_total", "counter", "Exchanges that took more than one attempt.", "retried"}, visitors);
    to.add(std::move(latency));
}

void collect_pools(Collector& to, const Json& status, const json& report) {
    Items pools;
    Items queues;
    Items backends;
    Items checks;
    for (const Json& pool : member(status, "pools")) {
        const Labels labels{{"pool", word(pool, "name")}};
        pools.push_back({&pool, labels});
        queues.push_back({&member(pool, "queue"), labels});
        for (const Json& backend : member(pool, "backends")) {
            Labels with = labels;
            with.emplace_back("server", word(backend, "server"));
            backends.push_back({&backend, with});
            checks.push_back({&member(backend, "check"), with});
        }
    }
    to.state({"pool_serving", "gauge", "1: some server of the pool takes visitors.", "state"}, "serving", pools);
    to.state({"pool_maintenance", "gauge", "1: the page was put on by hand.", "state"}, "maintenance", pools);
    collect_visitors(to, pools, report);
    to.column({"pool_queue_waiting", "gauge", "Visitors that wait for a server below its limit.", "waiting"}, queues);
    to.column({"pool_queue_waited_total", "counter", "Visitors that had to wait.", "waited"}, queues);
    to.column({"pool_queue_overflow_total", "counter", "Visitors turned away: the queue was full.", "overflow"},
              queues);
    to.column({"pool_queue_expired_total", "counter", "Visitors turned away: they waited too long.", "expired"},
              queues);
    to.state({"backend_eligible", "gauge", "1: it takes visitors.", "state"}, "up", backends);
    to.state({"backend_fenced", "gauge", "1: it is fenced off.", "state"}, "fenced", backends);
    to.state({"backend_check_up", "gauge", "1: its health checks pass.", "state"}, "up", checks);
    to.column({"backend_check_duration_seconds", "gauge", "How long the last check took.", "last_ms", 0.001}, checks);
    to.column({"backend_checks_passed_total", "counter", "Checks that passed.", "passed"}, checks);
    to.column({"backend_checks_failed_total", "counter", "Checks that failed.", "failed"}, checks);
    to.column({"backend_active", "gauge", "Exchanges and relays in flight.", "active"}, backends);
    to.column({"backend_exchanges_total", "counter", "Exchanges and relays begun.", "total"}, backends);
    to.column({"backend_failed_total", "counter", "Connections that failed, and answers that broke.", "failed"},
              backends);
    Metric& odd = to.metric("backend_odd_answers_total", "counter",
                            "Answers that break RFC 9112 and were taken, by what they broke.");
    for (const auto& [backend, labels] : backends) {
        const Json& kinds = member(*backend, "odd_answers");
        for (auto kind = kinds.begin(); kind != kinds.end(); ++kind) {
            Labels with = labels;
            with.emplace_back("kind", kind.key());
            odd.samples.push_back({{}, std::move(with), kind->get<double>()});
        }
    }
    to.column({"backend_weight", "gauge", "Its share beside the others of its pool.", "weight"}, backends);
}

std::string escape(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += c == '\\' ? "\\\\" : c == '"' ? "\\\"" : c == '\n' ? "\\n" : std::string(1, c);
    }
    return out;
}

std::string print_number(double value) {
    constexpr double exact = 9007199254740992.0;  // up to here every whole number is one
    return std::trunc(value) == value && std::abs(value) < exact ? fmt::format("{:.0f}", value)
                                                                 : fmt::format("{}", value);
}

}  // namespace

std::vector<Metric> collect_metrics(const Json& status, const json& report) {
    Collector collector;
    collect_process(collector, status);
    collect_listeners(collector, status);
    collect_pools(collector, status, report);
    return collector.take();
}

std::string print_metrics(const std::vector<Metric>& metrics) {
    std::string out;
    for (const Metric& metric : metrics) {
        if (metric.samples.empty()) {
            continue;
        }
        out += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", metric.name, metric.help, metric.type);
        for (const Metric::Sample& sample : metric.samples) {
            out += metric.name + sample.suffix;
            const char* before = "{";
            for (const auto& [name, value] : sample.labels) {
                out += fmt::format("{}{}=\"{}\"", before, name, escape(value));
                before = ",";
            }
            out += fmt::format("{} {}\n", sample.labels.empty() ? "" : "}", print_number(sample.value));
        }
    }
    return out;
}

Json view_metrics(const std::vector<Metric>& metrics) {
    Json view = Json::array();
    for (const Metric& metric : metrics) {
        Json samples = Json::array();
        for (const Metric::Sample& sample : metric.samples) {
            Json labels = Json::object();
            for (const auto& [name, value] : sample.labels) {
                labels[name] = value;
            }
            samples.push_back({{"suffix", sample.suffix}, {"labels", std::move(labels)}, {"value", sample.value}});
        }
        view.push_back(
            {{"name", metric.name}, {"type", metric.type}, {"help", metric.help}, {"samples", std::move(samples)}});
    }
    return {{"metrics", std::move(view)}};
}

}  // namespace appliance::control

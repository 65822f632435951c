// Metrics: the counters and states of `status` for Prometheus and what reads its format. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace appliance::control {

struct Metric {
    struct Sample {
        std::string suffix;  // behind the name: _bucket, _sum and _count of a histogram; else empty
        std::vector<std::pair<std::string, std::string>> labels;
        double value;
    };
    std::string name;
    std::string type;  // gauge | counter | histogram
    std::string help;
    std::vector<Sample> samples;
};

// status: what `status --json` says; report: the proxy's own, which has the latencies. Either may lack anything: what
// is not there is left out.
std::vector<Metric> collect_metrics(const nlohmann::ordered_json& status, const nlohmann::json& report);

// In Prometheus' text format, version 0.0.4.
std::string print_metrics(const std::vector<Metric>& metrics);
// {"metrics": [{"name", "type", "help", "samples": [{"suffix", "labels", "value"}]}]}.
nlohmann::ordered_json view_metrics(const std::vector<Metric>& metrics);

}  // namespace appliance::control

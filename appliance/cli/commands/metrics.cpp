// `gatehouse metrics`: what Prometheus gets.
#include <CLI/CLI.hpp>

#include "appliance/cli/client/command.hpp"
#include "appliance/cli/client/exit_code.hpp"

namespace appliance::cli {
namespace {

class MetricsCommand : public Query {
public:
    using Query::Query;

    void declare(CLI::App& app, Common& /*common*/) override {
        app.footer(
            "Example: gatehouse metrics\n"
            "Prometheus itself asks for /v1/metrics of the API.");
    }
    [[nodiscard]] Request request() const override {
        return get_request(common().json ? "/v1/metrics?format=json" : "/v1/metrics");
    }
    // Without --json it is text, in Prometheus' format.
    [[nodiscard]] Outcome outcome(const api::Answer& answer, const Screen& screen) const override {
        return common().json || answer.status != 200 ? Query::outcome(answer, screen) : Outcome{done, answer.body, {}};
    }
};

}  // namespace

extern const Maker make_metrics = make<MetricsCommand>;

}  // namespace appliance::cli

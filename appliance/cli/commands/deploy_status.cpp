// `gatehouse deploy status`, `history` and `report`: reading about rollouts.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "appliance/cli/client/arguments.hpp"
#include "appliance/cli/client/command.hpp"
#include "appliance/cli/deploy/rollout_view.hpp"
#include "appliance/cli/deploy/watch_rollout.hpp"

namespace appliance::cli {
namespace {

class DeployStatusCommand : public Query {
public:
    using Query::Query;

    void declare(CLI::App& app, Common& /*common*/) override {
        app.add_option("ID", rollout_, "Number of the rollout; else the current or last")->type_name("");
        app.add_flag("--watch", watch_, "Follow the rollout to its end");
        app.footer("Example: gatehouse deploy status --watch");
    }
    [[nodiscard]] Request request() const override { return get_request(fmt::format("/v1/deploy?id={}", rollout_)); }
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override {
        return show_rollout(body, screen.now, screen.style);
    }
    int run(const Finish& finish) override {
        return watch_ ? watch_rollout(client_for(common()), rollout_, common().json, finish) : Query::run(finish);
    }

private:
    std::int64_t rollout_ = 0;  // 0: the last
    bool watch_ = false;
};

class DeployHistoryCommand : public Query {
public:
    using Query::Query;

    void declare(CLI::App& app, Common& /*common*/) override {
        add_number(app, "--last", last_, 1, 1'000, "How many rollouts (20)");
        app.footer("Example: gatehouse deploy history --last 5");
    }
    [[nodiscard]] Request request() const override {
        return get_request(fmt::format("/v1/deploy/history?last={}", last_));
    }
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override {
        return show_history(body, screen.now, screen.style);
    }

private:
    std::int64_t last_ = 20;
};

class DeployReportCommand : public Query {
public:
    using Query::Query;

    void declare(CLI::App& app, Common& /*common*/) override {
        app.add_option("ID", rollout_, "Number of the rollout; else the last")->type_name("");
        app.footer("Example: gatehouse deploy report --json");
    }
    [[nodiscard]] Request request() const override {
        return get_request(fmt::format("/v1/deploy/report?id={}", rollout_));
    }
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override {
        return show_report(body, screen.now, screen.style);
    }

private:
    std::int64_t rollout_ = 0;  // 0: the last
};

}  // namespace

extern const Maker make_deploy_status = make<DeployStatusCommand>;
extern const Maker make_deploy_history = make<DeployHistoryCommand>;
extern const Maker make_deploy_report = make<DeployReportCommand>;

}  // namespace appliance::cli

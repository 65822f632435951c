// `gatehouse deploy rollback`, `pause`, `resume` and `abort`: orders to a rollout that has begun.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "appliance/cli/client/arguments.hpp"
#include "appliance/cli/deploy/order.hpp"
#include "appliance/cli/deploy/recipe_flags.hpp"
#include "appliance/cli/views/standing.hpp"

namespace appliance::cli {
namespace {

class DeployRollbackCommand : public Order {
public:
    using Order::Order;

    void declare(CLI::App& app, Common& common) override {
        app.add_option_function<std::string>(
               "--run",
               [this](const std::string& text) {
                   check_command("--run", text);
                   run_ = text;
               },
               "The command; else the recipe's rollback")
            ->type_name("TEXT");
        app.add_flag("--rolling", rolling_, "Batch by batch; else all at once");
        app.add_flag("--dry-run", dry_run_, "Print the plan, do nothing");
        add_yes_run(app, yes_run_);
        add_why(app, common);
        app.footer("Example: gatehouse deploy rollback --run 'ssh {host} release previous'");
    }

private:
    [[nodiscard]] const char* path() const override { return "/v1/deploy/rollback"; }
    [[nodiscard]] core::Result<Json> order() const override {
        return Json{{"run", run_}, {"rolling", rolling_}, {"dry_run", dry_run_}};
    }
    [[nodiscard]] bool plans() const override { return dry_run_; }
    [[nodiscard]] std::optional<CommandSource> commands() const override {
        const auto run = run_.empty() ? std::nullopt : std::optional(run_);
        return dry_run_ ? std::nullopt
                        : std::optional(CommandSource{CommandSource::Kind::undone, "rollback", yes_run_, run});
    }

    std::string run_;  // empty: the recipe's
    bool rolling_ = false;
    bool dry_run_ = false;
    std::string yes_run_;
};

class DeployPauseCommand : public Order {
public:
    using Order::Order;

    void declare(CLI::App& app, Common& common) override {
        add_why(app, common);
        app.footer("Example: gatehouse deploy pause --why 'the phone rings'");
    }

private:
    [[nodiscard]] const char* path() const override { return "/v1/deploy/pause"; }
    [[nodiscard]] core::Result<Json> order() const override { return Json::object(); }
};

class DeployResumeCommand : public Order {
public:
    using Order::Order;

    void declare(CLI::App& app, Common& common) override {
        app.add_flag("--skip", skip_, "Mark the failed step as done and continue");
        add_yes_run(app, yes_run_);
        add_why(app, common);
        app.footer("Example: gatehouse deploy resume --why 'disk is free again'");
    }

private:
    [[nodiscard]] const char* path() const override { return "/v1/deploy/resume"; }
    [[nodiscard]] core::Result<Json> order() const override { return Json{{"skip", skip_}}; }
    [[nodiscard]] std::optional<CommandSource> commands() const override {
        return CommandSource{CommandSource::Kind::resumed, "resume", yes_run_, {}};
    }

    bool skip_ = false;
    std::string yes_run_;
};

class DeployAbortCommand : public Order {
public:
    using Order::Order;

    void declare(CLI::App& app, Common& common) override {
        add_why(app, common);
        app.footer("Example: gatehouse deploy abort --why 'wrong release'");
    }
    [[nodiscard]] std::vector<Telling> look(const api::Client& client) const override {
        return tell_rollout(look_at(client, "/v1/deploy"));
    }

private:
    [[nodiscard]] const char* path() const override { return "/v1/deploy/abort"; }
    [[nodiscard]] core::Result<Json> order() const override { return Json::object(); }
};

}  // namespace

extern const Maker make_deploy_rollback = make<DeployRollbackCommand>;
extern const Maker make_deploy_pause = make<DeployPauseCommand>;
extern const Maker make_deploy_resume = make<DeployResumeCommand>;
extern const Maker make_deploy_abort = make<DeployAbortCommand>;

}  // namespace appliance::cli

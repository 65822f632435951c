// `gatehouse deploy plan`, `rolling` and `maintenance`: what begins a rollout, or says what it would do.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <nlohmann/json.hpp>

#include "appliance/cli/client/arguments.hpp"
#include "appliance/cli/deploy/order.hpp"
#include "appliance/cli/deploy/recipe_file.hpp"
#include "appliance/cli/deploy/recipe_flags.hpp"

namespace appliance::cli {
namespace {

constexpr std::chrono::days expires_max{7};

// strategy: rolling or maintenance.
class DeployCommand : public Order {
public:
    DeployCommand(const Common& common, std::string strategy) : Order(common), strategy_(std::move(strategy)) {}

    void declare(CLI::App& app, Common& common) override {
        declare_recipe(app, common);
        app.add_flag("--dry-run", dry_run_, "Print the plan, do nothing");
        add_yes_run(app, yes_run_);
        app.footer(strategy_ == "rolling"
                       ? "Example: gatehouse deploy rolling --pool app --run 'ssh {host} x' --dry-run\n"
                         "Exit codes: 0 every server was deployed and verified, or testers look\n"
                         "(--preview); 1 it stopped; 4 --wait or --expires ran out; 130 left by Ctrl-C."
                       : "Example: gatehouse deploy maintenance --pool app --run 'ssh {host} migrate'\n"
                         "The site opens with the first server that is verified.");
    }
    [[nodiscard]] std::vector<Telling> look(const api::Client& /*client*/) const override {
        return {{"guards", "asking the guards"}};
    }

protected:
    void declare_recipe(CLI::App& app, Common& common) {
        app.add_option("RECIPE", recipe_, "[deploy.RECIPE] of the file; flags override it")->type_name("");
        add_recipe_flags(app, settings_);
        app.add_option("--recipe-file", recipe_file_, "Commands of [deploy.RECIPE] in this file")->type_name("FILE");
        app.add_option("--override", overridden_, "Skip the guards, for this reason")->type_name("REASON");
        add_why(app, common);
        add_time(app, "--at", "Start time: 2h, or 2026-11-22T14:00Z", common.now,
                 [this](core::WallTime time, const std::string& /*text*/) { at_ = time; });
        add_duration(app, "--expires", "Give up if not started this long after --at or now",
                     [this](core::Milliseconds length) {
                         if (length > expires_max || length <= core::Milliseconds{}) {
                             throw CLI::ValidationError("--expires", "at least 1ms, at most 7d");
                         }
                         expires_ = length;
                     });
    }
    [[nodiscard]] const char* path() const override { return "/v1/deploy"; }
    [[nodiscard]] core::Result<Json> order() const override {
        Json body = settings_;
        body["strategy"] = strategy_;
        body["recipe"] = recipe_;
        body["override"] = overridden_;
        if (at_) {
            body["at"] = core::base::print_time(*at_);
        }
        if (expires_) {
            body["expires_ms"] = expires_->count();
        }
        body["dry_run"] = plans();
        if (recipe_file_.empty()) {
            return body;
        }
        // A recipe of this machine goes over the daemon's, and flags go over both.
        return read_recipe_file(recipe_file_, recipe_).map([&body](const OwnCommands& own) {
            for (const auto& [key, value] : {std::pair{"run", own.run}, std::pair{"rollback", own.rollback}}) {
                if (value && !body.contains(key)) {
                    body[key] = *value;
                }
            }
            return body;
        });
    }
    [[nodiscard]] bool plans() const override { return dry_run_; }
    [[nodiscard]] bool begins() const override { return true; }
    [[nodiscard]] std::optional<CommandSource> commands() const override {
        return plans() ? std::nullopt
                       : std::optional(CommandSource{CommandSource::Kind::begun, strategy_, yes_run_, {}});
    }
    std::string& strategy() { return strategy_; }

private:
    std::string strategy_;
    std::string recipe_;                // a name of the configuration
    Json settings_ = Json::object();    // what flags say of the recipe
    std::string recipe_file_;           // a file of this machine with the recipe of the commands
    std::string overridden_;            // why guards are not to be asked
    std::optional<core::WallTime> at_;  // it starts then; none: now
    std::optional<core::Milliseconds> expires_;
    bool dry_run_ = false;
    std::string yes_run_;
};

class DeployPlanCommand : public DeployCommand {
public:
    explicit DeployPlanCommand(const Common& common) : DeployCommand(common, "rolling") {}

    void declare(CLI::App& app, Common& common) override {
        declare_recipe(app, common);
        app.add_option("--strategy", strategy(), "rolling (the default) or maintenance")
            ->check(CLI::IsMember({"rolling", "maintenance"}).description(""))
            ->type_name("STRATEGY");
        app.footer("Example: gatehouse deploy plan --pool app --run 'ssh {host} restart'");
    }

protected:
    [[nodiscard]] bool plans() const override { return true; }
};

}  // namespace

extern const Maker make_deploy_plan = make<DeployPlanCommand>;
extern const Maker make_deploy_rolling = [](const Common& common) { return make<DeployCommand>(common, "rolling"); };
extern const Maker make_deploy_maintenance = [](const Common& common) {
    return make<DeployCommand>(common, "maintenance");
};

}  // namespace appliance::cli

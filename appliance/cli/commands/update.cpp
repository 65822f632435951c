// `gatehouse update`: the versions of the appliance's image.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "appliance/cli/client/arguments.hpp"
#include "appliance/cli/client/change.hpp"
#include "appliance/cli/terminal/table.hpp"

namespace appliance::cli {
namespace {

class UpdateStatusCommand : public Query {
public:
    using Query::Query;

    void declare(CLI::App& app, Common& /*common*/) override { app.footer("Example: gatehouse update status"); }
    [[nodiscard]] Request request() const override { return get_request("/v1/update"); }
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override {
        Table table({{"VERSION"}, {"STATE"}, {"NOW"}});
        const std::string running = text(body, "running", "?");
        for (const Json& version : items(body, "versions")) {
            const std::string name = text(version, "version");
            const std::string state = text(version, "state");
            const Tone tone = state == "given up" ? Tone::bad : state == "served" ? Tone::good : Tone::caution;
            table.add({{name}, {state, tone}, {name == running ? "runs" : ""}});
        }
        const std::string what = text(body, "what");
        return table.render(screen.style) +
               fmt::format("\n{}: {}\n", text(body, "state", "?"), what.empty() ? "nothing asked for" : what);
    }
};

class UpdateInstallCommand : public Change {
public:
    using Change::Change;

    void declare(CLI::App& app, Common& common) override {
        app.add_option("URL", source_, "The folder that ./dev image made for updates")->type_name("")->required();
        app.add_flag("--reboot", reboot_, "Reboot into it as soon as it is installed");
        add_why(app, common);
        app.footer(
            "Example: gatehouse update install https://updates.example.org/0.1.1/ --reboot\n"
            "The files must be signed by a key that this machine's firmware boots.\n"
            "A version that fails to serve in three starts is rolled back: the previous one\n"
            "starts again, with its state and its fences.");
    }
    [[nodiscard]] Request request() const override {
        return change_request("/v1/update/install", {{"source", source_}, {"reboot", reboot_}}, common());
    }
    [[nodiscard]] std::string show(const Json& /*body*/, const Screen& /*screen*/) const override {
        return "asked for; see gatehouse update status\n";
    }

private:
    std::string source_;  // the folder of updates, as a URL
    bool reboot_ = false;
};

// Rollback and reboot: what starts the machine anew.
class UpdateStartCommand : public Change {
public:
    UpdateStartCommand(const Common& common, std::string what) : Change(common), what_(std::move(what)) {}

    void declare(CLI::App& app, Common& common) override {
        add_why(app, common);
        app.footer(fmt::format("Example: gatehouse update {} --why 'an upgrade failed'", what_));
    }
    [[nodiscard]] Request request() const override {
        return change_request("/v1/update/" + what_, Json::object(), common());
    }
    [[nodiscard]] std::string show(const Json& /*body*/, const Screen& /*screen*/) const override {
        return "asked for; the machine starts anew\n";
    }

private:
    std::string what_;
};

}  // namespace

extern const Maker make_update_status = make<UpdateStatusCommand>;
extern const Maker make_update_install = make<UpdateInstallCommand>;
extern const Maker make_update_rollback = [](const Common& common) {
    return make<UpdateStartCommand>(common, "rollback");
};
extern const Maker make_update_reboot = [](const Common& common) { return make<UpdateStartCommand>(common, "reboot"); };

}  // namespace appliance::cli

// `gatehouse reload`: has the daemon load its changed configuration.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "appliance/cli/client/arguments.hpp"
#include "appliance/cli/client/change.hpp"
#include "appliance/cli/views/trial.hpp"

namespace appliance::cli {
namespace {

class ReloadCommand : public Change {
public:
    using Change::Change;

    void declare(CLI::App& app, Common& common) override {
        add_confirm(app, confirm_);
        add_why(app, common);
        app.footer(
            "Example: gatehouse reload --why 'a third server'\n"
            "No connection is dropped. A file with a problem changes nothing (exit code 2).");
    }
    [[nodiscard]] Request request() const override {
        Json body = Json::object();
        if (confirm_) {
            body["confirm_ms"] = confirm_->count();
        }
        return change_request("/v1/reload", std::move(body), common());
    }
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override {
        const std::string out = show_changed(body, "changed", screen.style);
        return (out.empty() ? "nothing has changed\n" : out) + show_trial(body, screen.style);
    }

private:
    std::optional<core::Milliseconds> confirm_;  // the change goes back unless it is confirmed in this time
};

}  // namespace

extern const Maker make_reload = make<ReloadCommand>;

}  // namespace appliance::cli

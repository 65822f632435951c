#include "appliance/control/run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "appliance/api/server.hpp"
#include "appliance/control/engine/control.hpp"
#include "appliance/control/engine/deploy_actions.hpp"
#include "appliance/control/routes/routes.hpp"
#include "appliance/link/first_words.hpp"

namespace appliance::control {

namespace {

// The API on TCP, where it is configured. Whatever keeps it away is in the log; the socket answers all the same.
std::unique_ptr<api::Server> serve_remote(Control& control, SupervisorLink& link, RefusedCallers& refused,
                                          const api::Server::Handler& handler) {
    const auto config = control.config();
    if (!config->control.remote) {
        return nullptr;
    }
    const std::string listen = config->control.remote->listen.text();
    auto opened = link.open_listeners(config->control.remote->listen, 1);
    if (!opened || opened->size() != 1) {
        control.log("api", {{"listen", listen}, {"error", opened ? "no socket came" : opened.error().line()}});
        return nullptr;
    }
    auto entrance = std::make_unique<api::RemoteEntrance>(
        [&control] { return control.config(); },
        [&control](const std::string& from, const std::string& why, unsigned others) {
            control.log("api", {{"refused", from}, {"why", why}, {"others", others}});
        },
        [&refused](const std::string& source, const std::string& why) {
            refused.note({"", source, "", why});
        });
    auto server = std::make_unique<api::Server>(std::move(opened->front()), std::move(entrance), handler);
    if (const auto started = server->start(); !started) {
        control.log("api", {{"listen", listen}, {"error", started.error().line()}});
        return nullptr;
    }
    return server;
}

// What became of the upgrade that this process, or the one before it, was asked for. The main loop's.
class UpgradeOutcome {
public:
    UpgradeOutcome(Control& control, AuditLog& audit) : control_(control), audit_(audit) {}

    void follow() {
        const nlohmann::json upgrade = control_.last_upgrade();
        const std::string state = upgrade.is_object() ? upgrade.value("state", "") : "";
        const bool failed = state == "failed";
        if (upgrade == written_ || Control::Clock::now() < again_at_) {
            return;
        }
        if (failed || state == "done") {
            const std::string error = upgrade["error"].is_string() ? upgrade["error"].get<std::string>() : "";
            const std::string from = upgrade.value("from", "");
            write(upgrade, audit_.close_upgrade(upgrade.value("who", ""), upgrade.value("why", ""),
                                                failed ? fmt::format("failed, {} goes on: {}", from, error)
                                                       : fmt::format("done: {} to {}", from, upgrade.value("to", ""))));
        } else if (upgrade.is_null() && control_.has_served()) {
            write(upgrade, audit_.close_upgrades("not known: gatehouse ended meanwhile"));
        }
    }

private:
    void write(const nlohmann::json& upgrade, const core::Result<void>& done) {
        if (done) {
            written_ = upgrade;
            return;
        }
        again_at_ = Control::Clock::now() + std::chrono::minutes(1);
        control_.log("audit", {{"error", done.error().line()}});
    }

    Control& control_;
    AuditLog& audit_;
    nlohmann::json written_ = false;  // the story that stands in the audit log; false: none yet
    Control::Clock::time_point again_at_{};
};

}  // namespace

int run(config::Config config, core::base::Descriptor supervisor, core::base::Descriptor api) {
    core::base::Log log(STDOUT_FILENO);
    SupervisorLink link(std::move(supervisor));
    Control control(std::move(config), link, log);
    DeployActions actions(control, link);
    deploy::Conductor conductor(actions, control.config()->control.state);
    AuditLog audit(control.config()->control.state);
    if (const auto closed = audit.close_begun(); !closed) {
        control.log("audit", {{"error", closed.error().line()}});
    }
    UpgradeOutcome upgrade_outcome(control, audit);
    RefusedCallers refused(audit);
    const Services services{control, conductor, audit, refused};
    const auto handler = [&services](const api::Request& request) { return answer(services, request); };
    auto entrance = std::make_unique<api::LocalEntrance>([&link](pid_t pid) { return link.is_child(pid); },
                                                         [&control](pid_t pid, const std::string& why) {
                                                             control.log("api", {{"refused", pid}, {"why", why}});
                                                         });
    api::Server server(std::move(api), std::move(entrance), handler);
    if (const auto started = server.start(); !started) {
        fmt::print(stderr, "gatehouse: {}\n", started.error().line());
        return 1;
    }
    link::release_errors();
    const auto remote = serve_remote(control, link, refused, handler);
    while (!link.ended()) {
        if (auto event = link.next_event(control.next_tick())) {
            control.handle(std::move(*event));
        }
        control.tick(Control::Clock::now());
        refused.tick();
        upgrade_outcome.follow();
    }
    control.finish();
    // A command that still waits for a drain gets no answer any more. The supervisor waits for this process to end.
    ::_exit(0);
}

}  // namespace appliance::control

#include "appliance/control/run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "appliance/api/server.hpp"
#include "appliance/control/control.hpp"
#include "appliance/control/deploy_actions.hpp"
#include "appliance/control/routes.hpp"

namespace appliance::control {

int run(config::Config config, core::base::Descriptor supervisor, core::base::Descriptor api) {
    core::base::Log log(STDOUT_FILENO);
    SupervisorLink link(std::move(supervisor));
    Control control(std::move(config), link, log);
    DeployActions actions(control, link);
    deploy::Conductor conductor(actions, control.config()->control.state);
    AuditLog audit(control.config()->control.state);
    const Services services{control, conductor, audit};
    api::Server server(std::move(api), [&services](const api::Request& request) { return answer(services, request); });
    if (const auto started = server.start(); !started) {
        fmt::print(stderr, "gatehouse: {}\n", started.error().line());
        return 1;
    }
    while (!link.ended()) {
        if (auto event = link.next_event(control.next_tick())) {
            control.handle(std::move(*event));
        }
        control.tick(Control::Clock::now());
    }
    // A command that still waits for a drain has nobody to wait for any more, and the supervisor is waiting for us.
    ::_exit(0);
}

}  // namespace appliance::control

#include "appliance/cli/command_table.hpp"

namespace appliance::cli {

// Each is defined in the file of its verb in commands/.
extern const Maker make_run, make_check, make_reload, make_upgrade, make_config_show, make_config_apply,
    make_config_confirm, make_config_rollback, make_status, make_rules, make_metrics, make_events, make_audit,
    make_fence, make_unfence, make_weight, make_update_status, make_update_install, make_update_rollback,
    make_update_reboot, make_host_fence_add, make_host_fence_remove, make_host_fence_list, make_maintenance_on,
    make_maintenance_off, make_maintenance_status, make_firewall_status, make_firewall_confirm, make_deploy_plan,
    make_deploy_rolling, make_deploy_maintenance, make_deploy_rollback, make_deploy_status, make_deploy_pause,
    make_deploy_resume, make_deploy_abort, make_deploy_history, make_deploy_report, make_guard, make_connect,
    make_resolve, make_ping, make_log, make_support, make_token;

namespace {

constexpr const char* deploy_footer =
    "Example: gatehouse deploy rolling --pool app --run 'ssh {host} restart' \\\n"
    "             --expect-body 'release 2.3' --why 'release 2.3'\n\n"
    "For each server: ask the guards, check that enough others are left, fence and\n"
    "drain, run the command (here, in this terminal), warm up, verify, open, verify\n"
    "as a visitor. A server that fails stays fenced. Ctrl-C pauses; deploy resume\n"
    "goes on, deploy abort ends it. A second Ctrl-C, or a terminal that closes, ends\n"
    "the command that runs here as well.\n"
    "{server}, {host} and {port} in the command are the server's.";

constexpr Row rows[] = {
    {"run", "Run the daemon in the foreground", &make_run},
    {"check", "Report every problem of a configuration file", &make_check},
    {"reload", "Load the changed configuration into the daemon", &make_reload},
    {"upgrade", "Upgrade the running daemon to the installed binary", &make_upgrade},
    {"config", "Show, replace or roll back the configuration", nullptr,
     "Example: gatehouse config apply new.toml --why 'a third server'"},
    {"config show", "Print the file that the daemon runs with", &make_config_show},
    {"config apply", "Replace the daemon's file, and reload", &make_config_apply},
    {"config confirm", "Keep the change that is on trial", &make_config_confirm},
    {"config rollback", "Restore the previous file, and reload", &make_config_rollback},
    {"status", "Print listeners, pools and backends with states", &make_status},
    {"rules", "Print every fence in the kernel with its hits", &make_rules},
    {"metrics", "Print counters and states for Prometheus", &make_metrics},
    {"events", "Print events as they happen, until Ctrl-C", &make_events},
    {"audit", "Print the audit log: every change, by whom and why", &make_audit},
    {"fence", "Fence servers in one transaction", &make_fence},
    {"unfence", "Lift the fences of servers", &make_unfence},
    {"weight", "Set or reset servers' shares of a pool's traffic", &make_weight},
    {"update", "Install, start or roll back versions of the image", nullptr, "Example: gatehouse update status"},
    {"update status", "Print the running version and the other slot's", &make_update_status},
    {"update install", "Install a version into the other slot", &make_update_install},
    {"update rollback", "Reboot into the previous version, now", &make_update_rollback},
    {"update reboot", "Reboot the machine, now", &make_update_reboot},
    {"host-fence", "Refuse a balancer, on an application server", nullptr,
     "Example: gatehouse host-fence add --from 10.0.0.5 --port 80 --for 30m"},
    {"host-fence add", "Refuse balancers, until removed or for a time", &make_host_fence_add},
    {"host-fence remove", "Accept balancers again", &make_host_fence_remove},
    {"host-fence list", "Print every host fence in the kernel with its hits", &make_host_fence_list},
    {"maintenance", "Show or remove the maintenance page", nullptr,
     "Example: gatehouse maintenance on app --until 30m --why 'schema change'"},
    {"maintenance on", "Show visitors the page instead of the site", &make_maintenance_on},
    {"maintenance off", "Show visitors the site again", &make_maintenance_off},
    {"maintenance status", "Print the pools that show the page, and why", &make_maintenance_status},
    {"firewall", "Inspect or confirm the appliance's own firewall", nullptr, "Example: gatehouse firewall status"},
    {"firewall status", "Print open ports and dropped packets", &make_firewall_status},
    {"firewall confirm", "Keep the firewall of the last reload", &make_firewall_confirm},
    {"deploy", "Deploy to servers in turn, or to all at once", nullptr, deploy_footer},
    {"deploy plan", "Print every step and its condition; do nothing", &make_deploy_plan},
    {"deploy rolling", "Deploy batch by batch, while the others serve", &make_deploy_rolling},
    {"deploy maintenance", "Deploy to all at once, behind the page", &make_deploy_maintenance},
    {"deploy rollback", "Undo the last rollout", &make_deploy_rollback},
    {"deploy status", "Print the current rollout, or the last", &make_deploy_status},
    {"deploy pause", "Pause the rollout after its current steps", &make_deploy_pause},
    {"deploy resume", "Resume the rollout; retry what failed", &make_deploy_resume},
    {"deploy abort", "End the rollout; touched servers stay fenced", &make_deploy_abort},
    {"deploy history", "Print the last rollouts", &make_deploy_history},
    {"deploy report", "Print a rollout's steps, times and visitors", &make_deploy_report},
    {"guard", "Ask the guards whether a deploy may start now", &make_guard},
    {"connect", "Test a TCP connection from the daemon's machine", &make_connect},
    {"resolve", "Resolve a name on the daemon's machine", &make_resolve},
    {"ping", "Send ICMP echoes from the daemon's machine", &make_ping},
    {"log", "Print the last lines of the daemon's log", &make_log},
    {"support", "Write a support bundle (secrets redacted)", &make_support},
    {"token", "Make a token for the API on TCP", &make_token},
};

}  // namespace

std::span<const Row> command_table() {
    return rows;
}

}  // namespace appliance::cli

// Options: what the command line says, after parsing and before anything is done.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "appliance/api/client.hpp"
#include "core/base/address.hpp"
#include "core/base/duration.hpp"

namespace appliance::cli {

enum class Command {
    run,
    check,
    status,
    fence,
    unfence,
    weight,
    rules,
    metrics,
    host_fence_add,
    host_fence_remove,
    host_fence_list,
    maintenance_on,
    maintenance_off,
    maintenance_status,
    firewall_status,
    firewall_confirm,
    reload,
    config_show,
    config_apply,
    config_confirm,
    config_rollback,
    upgrade,
    update_status,
    update_install,
    update_rollback,
    update_reboot,
    deploy_plan,
    deploy_rolling,
    deploy_maintenance,
    deploy_rollback,
    deploy_status,
    deploy_pause,
    deploy_resume,
    deploy_abort,
    deploy_history,
    deploy_report,
    guard,
    audit,
    events,
    token,
    connect,
    resolve,
    ping,
    log,
    support,
};

enum class FenceEnd { let_be, drain, kill };

struct Options {
    Command command = Command::status;
    std::string socket{};                // of the daemon to speak to
    std::optional<api::Place> remote{};  // the one to speak to instead
    bool json = false;
    std::string why{};
    std::string config{};                       // run, check, config apply
    std::string text{};                         // config apply: what is in the file
    bool previous = false;                      // config show
    std::optional<std::string> pool{};          // none: every pool
    std::vector<std::string> servers{};         // fence, unfence: at least one
    std::vector<core::Address> from{};          // host-fence: at least one, port 0
    std::vector<std::uint16_t> ports{};         // host-fence: at least one, not 0
    std::optional<std::string> mode{};          // fence: reset, icmp or drop; none: as configured
    bool all_packets = false;                   // fence --scope all
    bool replace = false;                       // fence: also another's; unfence: also under a command
    bool yes = false;                           // fence, maintenance: do not ask on a terminal
    FenceEnd end = FenceEnd::let_be;            // fence: what becomes of what is in flight
    core::Milliseconds drain{};                 // how long to wait for it
    std::optional<core::Milliseconds> lasts{};  // fence, host-fence, guard --for; deploy --expires
    std::optional<core::Milliseconds> wait{};   // unfence, upgrade; connect, resolve, ping --timeout
    std::optional<unsigned> weight{};           // weight; none: the configuration's again
    bool watch = false;                         // rules
    bool nft = false;                           // rules
    std::optional<std::string> message{};       // maintenance on
    std::optional<core::WallTime> until{};      // maintenance on
    std::string recipe{};                       // deploy rolling, deploy maintenance: a name of the configuration
    std::string settings{};                     // the same: a JSON object of what flags say of the recipe
    std::string recipe_file{};                  // the same: a file of this machine whose recipe says the commands
    std::string yes_run{};                      // deploy: the digest of the commands that may run here
    std::string overridden{};                   // the same: why guards are not to be asked
    bool dry_run = false;                       // the same, and config apply
    std::string strategy = "rolling";           // deploy plan: or maintenance
    std::string run{};                          // deploy rollback: the command, where it is another
    std::int64_t rollout = 0;                   // deploy status, deploy report: which; 0: the last
    std::int64_t last = 20;                     // deploy history, audit: how many
    std::optional<core::WallTime> at{};         // guard, deploy: it starts then; none: now
    bool all = false;                           // events: those from before, too
    std::string name{};                         // token: of its [access.NAME]
    std::string role = "operate";               // token
    std::string token_file{};                   // token: where to write it; empty: print it
    std::string source{};                       // update install: the folder of updates, as a URL
    bool reboot = false;                        // update install: at once
    bool rolling = false;                       // deploy rollback: batch by batch
    std::string target{};                       // connect, resolve, ping: a name or an address
    std::uint16_t port = 0;                     // connect
    std::int64_t count = 3;                     // ping: how many echoes
    std::int64_t lines = 100;                   // log
    // config apply, reload: the change goes back unless it is confirmed in this time.
    std::optional<core::Milliseconds> confirm{};
    std::string output{};  // support: the file; empty: one named after the time
    bool skip = false;     // deploy resume: what failed is taken for done
};

}  // namespace appliance::cli

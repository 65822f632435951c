// Options: what the command line says, after parsing and before anything is done.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/duration.hpp"

namespace appliance::cli {

enum class Command {
    run,
    check,
    status,
    fence,
    unfence,
    rules,
    maintenance_on,
    maintenance_off,
    maintenance_status,
    firewall_status,
    firewall_confirm,
    reload,
};

enum class FenceEnd { let_be, drain, kill };

struct Options {
    Command command = Command::status;
    std::string socket{};  // of the daemon to speak to
    bool json = false;
    std::string why{};
    std::string config{};                       // run, check
    std::optional<std::string> pool{};          // none: every pool
    std::vector<std::string> servers{};         // fence, unfence: at least one
    std::optional<std::string> mode{};          // fence: reset, icmp or drop; none: as configured
    FenceEnd end = FenceEnd::let_be;            // fence: what becomes of what is in flight
    core::Milliseconds drain{};                 // how long to wait for it
    std::optional<core::Milliseconds> lasts{};  // fence --for
    std::optional<core::Milliseconds> wait{};   // unfence
    bool watch = false;                         // rules
    bool nft = false;                           // rules
    std::optional<std::string> message{};       // maintenance on
    std::optional<core::WallTime> until{};      // maintenance on
};

}  // namespace appliance::cli

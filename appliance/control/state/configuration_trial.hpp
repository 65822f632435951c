// ConfigurationTrial: a change of the configuration that waits for the operator's word, and goes back without it; and
// where it is kept, so that it goes back whatever has happened meanwhile.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "core/base/duration.hpp"
#include "core/base/result.hpp"

namespace appliance::control {

struct ConfigurationTrial {
    std::string before;  // the text that comes back
    std::string who;
    std::string why;
    core::WallTime since{};  // for people; what counts is the next two
    core::WallTime until{};
    core::Milliseconds began{0};     // on the clock that no one sets, CLOCK_BOOTTIME
    core::Milliseconds ends{0};      // the same
    std::set<std::string> served{};  // pools that had a server that passed its check before

    friend bool operator==(const ConfigurationTrial&, const ConfigurationTrial&) = default;
};

// now: on the same clock. One that began later than now began before the machine was started again: it is over too.
[[nodiscard]] bool is_over(const ConfigurationTrial& trial, core::Milliseconds now);
// CLOCK_BOOTTIME: it goes on in a suspended machine, and cannot be set.
[[nodiscard]] core::Milliseconds boot_now();

// The one trial that may be under way, in gatehouse.db in the state folder. Error: it cannot be read; then there is
// none.
[[nodiscard]] core::Result<std::optional<ConfigurationTrial>> load_trial(const std::filesystem::path& folder);
// On the disk when this returns; nothing: there is none any more.
[[nodiscard]] core::Result<void> save_trial(const std::filesystem::path& folder,
                                            const std::optional<ConfigurationTrial>& trial);

}  // namespace appliance::control

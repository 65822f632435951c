// NameSync: servers that are given by names: what a name resolves to now counts as a reload that says so would.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "appliance/control/configuration/reloader.hpp"
#include "appliance/control/sync/control_state.hpp"

namespace appliance::control {

// The main loop's, but for show().
class NameSync {
public:
    using Json = ControlState::Json;
    using Clock = ControlState::Clock;

    // Both outlive it.
    NameSync(ControlState& shared, Reloader& reloader) : shared_(shared), reloader_(reloader) {}

    // At the start, before any look-up has ended: until one has, what the process before this one knew counts.
    [[nodiscard]] config::Config with_known_addresses(config::Config config);
    // Takes ControlState::changing, and does not wait for it.
    void tick(Clock::time_point now);
    // Whether the first configuration need not wait for answers any more.
    [[nodiscard]] bool settled(Clock::time_point now) const;
    // Each backend's name with how it resolves, into GET /v1/status. Any thread.
    void show(Json& view) const;

private:
    void note_unfit(std::map<std::string, std::string> unfit);
    void tell_moved(const config::Config& before, const config::Config& after);
    void keep_addresses(const config::Config& config);

    ControlState& shared_;
    Reloader& reloader_;
    mutable std::mutex mutex_;
    std::map<std::string, std::string> unfit_;  // by server: why its address was not taken; written under mutex_
    Clock::time_point again_at_{};
    std::uint64_t taken_ = 0;           // the revision of the names that counts
    bool refused_ = false;              // it could not be taken, and that was told
    std::vector<config::Server> kept_;  // with the addresses that a restart finds
};

}  // namespace appliance::control

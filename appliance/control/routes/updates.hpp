// Updates: the appliance's other version, as far as control may change it. It leaves a request where the privileged
// gatehouse-update (images/update) finds it, and reads what that says. Outside the image there is no gatehouse-update,
// and every function says so (501).
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "appliance/control/model/refusal.hpp"

namespace appliance::control {

class Updates {
public:
    // run: where gatehouse-update says how it stands; state: control's own folder.
    explicit Updates(std::filesystem::path state, std::filesystem::path run = "/run/gatehouse-update")
        : state_(std::move(state)), run_(std::move(run)) {}

    // running, state, what, versions: each with its version and its state ("served", "to be tried", "given up").
    [[nodiscard]] Outcome<nlohmann::ordered_json> status() const;
    // source: a folder by http or https, at most 2,000 bytes of printable ASCII. reboot: at once, else whenever it
    // happens.
    [[nodiscard]] Outcome<nlohmann::ordered_json> install(const std::string& source, bool reboot) const;
    // Into the version before, at once. Both also while an update is being asked for or fetched, which is given up for
    // them; a reboot also while one is written into the other slot. 409 for all else while something is under way.
    [[nodiscard]] Outcome<nlohmann::ordered_json> roll_back() const;
    [[nodiscard]] Outcome<nlohmann::ordered_json> reboot() const;

    static constexpr std::size_t source_max = 2'000;

private:
    [[nodiscard]] std::string pending() const;
    [[nodiscard]] Outcome<nlohmann::ordered_json> leave(const nlohmann::json& request) const;

    std::filesystem::path state_;
    std::filesystem::path run_;
};

}  // namespace appliance::control

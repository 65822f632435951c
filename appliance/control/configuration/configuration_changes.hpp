// ConfigurationChanges: orders that change the configuration: a reload, another text in the file, and back.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "appliance/control/configuration/reloader.hpp"
#include "appliance/control/configuration/trial_keeper.hpp"
#include "appliance/control/model/order.hpp"
#include "appliance/control/sync/control_state.hpp"

namespace appliance::control {

// Any thread. An order holds ControlState::changing, but for the waiting at its end.
class ConfigurationChanges {
public:
    using Json = ControlState::Json;

    // All outlive it.
    ConfigurationChanges(ControlState& shared, Reloader& reloader, TrialKeeper& trials)
        : shared_(shared), reloader_(reloader), trials_(trials) {}

    // 422 with every problem where the file is invalid; nothing has changed then. Returns when the checks have said
    // whether the pools that had a server still have one, 6 s later at most. "warnings" holds a line for each pool that
    // has none. With confirm, the change goes back unless it is confirmed in that time. It goes back at once where such
    // a pool has no server left (409). 409 too, while another change waits to be confirmed.
    Outcome<Json> reload(const ReloadOrder& order);
    // The same without waiting, for SIGHUP.
    void reload_unwatched(const ReloadOrder& order);
    // The text of the configuration file, or of the one before (404 where there is none).
    Outcome<std::string> text(Edition edition);
    // Puts the text into the file and reloads: 422 with every problem, 409 where the file cannot be written; then, and
    // where the reload is refused, the file is what it was. The rest is as with reload().
    Outcome<Json> apply(const ConfigurationOrder& order);
    // The same with the text of the one before, which changes places with it. 404 where there is none. A change that
    // waits to be confirmed goes back.
    Outcome<Json> rollback(const std::string& who, const std::string& why);

private:
    // What a change asks for: another text in the file, or the file as it is.
    struct Change {
        std::optional<std::string> text;
        ReloadOrder order;
    };
    // Under ControlState::changing.
    Outcome<Json> change(const Change& change);
    Outcome<Json> replace_file(const std::string& text, const std::string& who, const std::string& why);
    // Refused where the text would change what is root's to say: the user, the state folder and the control socket.
    Outcome<void> keeps_the_file(const std::string& text) const;
    Outcome<Json> try_out(const std::string& text);

    ControlState& shared_;
    Reloader& reloader_;
    TrialKeeper& trials_;
};

}  // namespace appliance::control

// Reloader: takes a new configuration into running processes.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "appliance/control/state/configuration_file.hpp"
#include "appliance/control/sync/control_state.hpp"
#include "appliance/control/sync/fence_commits.hpp"
#include "appliance/control/sync/firewall.hpp"
#include "appliance/control/sync/kernel_sync.hpp"
#include "appliance/control/sync/proxy_sync.hpp"

namespace appliance::control {

// The caller of each function holds ControlState::changing, which guards all of it.
class Reloader {
public:
    using Json = ControlState::Json;

    // All outlive it.
    Reloader(const std::filesystem::path& file, ControlState& shared, ProxySync& proxy_sync, FenceCommits& commits,
             KernelSync& kernel, Firewall& firewall)
        : shared_(shared),
          proxy_sync_(proxy_sync),
          commits_(commits),
          kernel_(kernel),
          firewall_(firewall),
          file_(file) {}

    // What the file holds counts. Returns {"changed"}. 422 with every problem; what one of the processes or the disk
    // says: nothing has changed then.
    Outcome<Json> take_file(const std::string& who, const std::string& why);
    // The same of a configuration that was read already.
    Outcome<Json> take(config::Config wanted, const std::string& who, const std::string& why);
    // The same with addresses filled in, without a word to the log, and without the firewall.
    Outcome<void> take_config(const config::Config& wanted);
    // At the start: the file may have moved a fenced server since the state was written.
    void follow_file();
    // What names resolve to, into a configuration that is about to count. What the answers hold that does not fit is
    // told when it does.
    void give_addresses(config::Config& wanted) const;

    [[nodiscard]] ConfigurationFile& file() noexcept { return file_; }
    // What the file held when it was taken in.
    [[nodiscard]] const std::string& running_text() const noexcept { return running_text_; }
    void set_running_text(std::string text) { running_text_ = std::move(text); }

private:
    void leave(const Administration& before, const std::vector<netfilter::Change>& lifted);

    ControlState& shared_;
    ProxySync& proxy_sync_;
    FenceCommits& commits_;
    KernelSync& kernel_;
    Firewall& firewall_;
    ConfigurationFile file_;
    std::string running_text_;
};

}  // namespace appliance::control

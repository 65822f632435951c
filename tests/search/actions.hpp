// SearchActions: control's own DeployActions, but for sockets, which need no mark here, and guards, of which there are
// none.
#pragma once

#include <sys/socket.h>

#include <nlohmann/json.hpp>

#include "appliance/control/engine/deploy_actions.hpp"

namespace tests::search {

class SearchActions final : public appliance::deploy::Actions {
public:
    SearchActions(appliance::control::Control& control, appliance::control::SupervisorLink& supervisor)
        : real_(control, supervisor) {}

    std::shared_ptr<const appliance::config::Config> config() override { return real_.config(); }
    bool ready() override { return real_.ready(); }
    core::Result<void> fence(const std::string& pool, const std::vector<std::string>& servers, bool kill,
                             const appliance::deploy::Words& words) override {
        return real_.fence(pool, servers, kill, words);
    }
    core::Result<void> unfence(const std::string& pool, const std::vector<std::string>& servers,
                               const appliance::deploy::Words& words) override {
        return real_.unfence(pool, servers, words);
    }
    core::Result<void> page(const std::string& pool, bool on, const std::string& message,
                            const appliance::deploy::Words& words) override {
        return real_.page(pool, on, message, words);
    }
    core::Result<void> holds(std::int64_t rollout, const std::string& pool,
                             const std::vector<std::string>& servers) override {
        return real_.holds(rollout, pool, servers);
    }
    core::Result<void> begin_command(std::int64_t rollout, const std::string& pool,
                                     const std::string& server) override {
        return real_.begin_command(rollout, pool, server);
    }
    void end_command(const std::string& pool, const std::string& server) override { real_.end_command(pool, server); }
    std::vector<appliance::deploy::Standing> standings(const std::string& pool) override {
        return real_.standings(pool);
    }
    core::Result<core::base::Descriptor> socket(int family) override {
        return core::base::Descriptor(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    }
    core::Result<std::string> guards(core::WallTime /*at*/, core::Milliseconds /*length*/) override {
        return std::string("no guards");
    }
    std::string visitors(const std::string& /*pool*/) override { return {}; }
    nlohmann::ordered_json visitors_between(const std::string& /*before*/, const std::string& /*after*/) override {
        return nullptr;
    }
    void event(std::string_view kind, const nlohmann::ordered_json& fields) override { real_.event(kind, fields); }

private:
    appliance::control::DeployActions real_;
};

}  // namespace tests::search

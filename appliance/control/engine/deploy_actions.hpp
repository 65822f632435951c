// DeployActions: carries out what a rollout does to servers, kernel and page, by the same functions as an operator's
// orders.
#pragma once

#include "appliance/control/engine/control.hpp"
#include "appliance/deploy/actions.hpp"

namespace appliance::control {

class DeployActions final : public deploy::Actions {
public:
    // Both outlive it.
    DeployActions(Control& control, SupervisorLink& supervisor) : control_(control), supervisor_(supervisor) {}

    std::shared_ptr<const config::Config> config() override;
    bool ready() override;
    core::Result<void> fence(const std::string& pool, const std::vector<std::string>& servers, bool kill,
                             const deploy::Words& words) override;
    core::Result<void> unfence(const std::string& pool, const std::vector<std::string>& servers,
                               const deploy::Words& words) override;
    core::Result<void> page(const std::string& pool, bool on, const std::string& message,
                            const deploy::Words& words) override;
    core::Result<void> holds(std::int64_t rollout, const std::string& pool,
                             const std::vector<std::string>& servers) override;
    core::Result<void> begin_command(std::int64_t rollout, const std::string& pool, const std::string& server) override;
    void end_command(const std::string& pool, const std::string& server) override;
    std::vector<deploy::Standing> standings(const std::string& pool) override;
    core::Result<core::base::Descriptor> socket(int family) override;
    core::Result<std::string> guards(core::WallTime at, core::Milliseconds length) override;
    std::string visitors(const std::string& pool) override;
    nlohmann::ordered_json visitors_between(const std::string& before, const std::string& after) override;
    void event(std::string_view kind, const nlohmann::ordered_json& fields) override;

private:
    Control& control_;
    SupervisorLink& supervisor_;
};

}  // namespace appliance::control

// The same house as ControlTest, before a kernel in memory: for what control decides, which needs no root.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "appliance/control/engine/deploy_actions.hpp"
#include "appliance/control/routes/routes.hpp"
#include "tests/appliance/control/control_fixture.hpp"
#include "tests/support/memory_kernel.hpp"

namespace appliance::control {

class ControlInMemory : public ControlTest {
protected:
    void SetUp() override {
        std::string name = "/tmp/gatehouse-control-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        write_config(plain_config);
        auto manager = netfilter::FenceManager::open(std::make_unique<netfilter::MemoryKernel>(memory_));
        ASSERT_TRUE(manager.has_value()) << manager.error().line();
        kernel_.emplace(std::move(*manager));
        begin();
    }

    // As a request to the API does.
    api::Reply ask(const api::Request& request) {
        DeployActions actions(*control_, *link_);
        deploy::Conductor conductor(actions, folder_);
        RefusedCallers refused(audit());
        return answer({*control_, conductor, audit(), refused}, request);
    }
    AuditLog& audit() {
        if (!audit_) {
            audit_.emplace(folder_);
        }
        return *audit_;
    }

    std::optional<AuditLog> audit_;
    const std::shared_ptr<netfilter::Memory> memory_ = std::make_shared<netfilter::Memory>();
};

}  // namespace appliance::control

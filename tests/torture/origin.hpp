// Origin: the server behind the proxy. It reads the plan's seed from each request and follows the plan.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "core/base/address.hpp"
#include "core/base/descriptor.hpp"
#include "tests/torture/ledger.hpp"
#include "tests/torture/wire.hpp"

namespace tests::torture {

class Origin {
public:
    // Listens on loopback. ledger outlives the origin. kind: exchange (upgrades among them) or relay.
    Origin(Ledger& ledger, Kind kind);
    Origin(const Origin&) = delete;
    Origin& operator=(const Origin&) = delete;
    // Waits until its connections have ended; their other ends must be closed before.
    ~Origin();

    [[nodiscard]] const core::Address& address() const noexcept { return address_; }
    [[nodiscard]] std::size_t connections() const;

private:
    void accept();
    void serve(core::base::Descriptor fd);
    // True: the connection can be used again.
    bool serve_one(Wire& wire);
    void serve_relay(Wire& wire);
    void judge(const Wire& wire, const Plan& plan, const std::string& wrong);

    Ledger& ledger_;
    Kind kind_;
    core::Address address_;
    core::base::Descriptor listening_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t connections_ = 0;
    std::thread thread_;
};

}  // namespace tests::torture

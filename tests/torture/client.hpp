// Client: sends message after message of one seed's plans, on connections that it reuses as long as allowed.
#pragma once

#include <vector>

#include "core/base/address.hpp"
#include "tests/torture/ledger.hpp"
#include "tests/torture/message.hpp"

namespace tests::torture {

class Client {
public:
    // ledger outlives the client. kind: exchange (upgrades among them) or relay. only: 0, or the one message to repeat.
    Client(Ledger& ledger, const core::Address& proxy, Kind kind, std::uint64_t seed, std::uint64_t only)
        : ledger_(ledger), proxy_(proxy), kind_(kind), random_(seed), only_(only) {}

    // Runs until ledger.over(). Blocks; one thread for each client.
    void run();

private:
    [[nodiscard]] Wire connect();
    [[nodiscard]] Plan next() { return Plan(only_ != 0 ? only_ : random_.next(), kind_); }
    // True: the connection can be used again.
    bool exchange(Wire& wire, const std::vector<Plan>& plans);
    bool converse(Wire& wire, const Plan& plan);
    bool settle(Wire& wire, const Plan& plan, const Incoming& response);
    void relay(Wire& wire, const Plan& plan);

    Ledger& ledger_;
    core::Address proxy_;
    Kind kind_;
    Random random_;
    std::uint64_t only_;
};

// Runs one end of a relay: sends the bytes of from, and judges those received from to.
void run_relay(Wire& wire, const Plan& plan, const Side& from, const Side& to, Ledger& ledger);

}  // namespace tests::torture

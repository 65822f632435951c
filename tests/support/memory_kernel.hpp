// MemoryKernel: as much of nf_tables as fences use, in memory. It tests FenceManager, the fence process and control
// without root. tests/netfilter/memory_kernel_test.cpp compares it with the real one.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "netfilter/kernel/kernel.hpp"

namespace netfilter {

// The state of a MemoryKernel. A test may read and change it. One thread at a time.
struct Memory {
    struct Holding {
        Map map;
        std::map<Key, Element> elements;
    };
    struct Tables {
        Table table;
        std::vector<Chain> chains;
        std::vector<Rule> rules;
        std::vector<Holding> maps;
    };

    std::map<std::string, Tables, std::less<>> tables;
    std::uint32_t generation = 1;
    std::map<std::pair<core::Address, std::uint8_t>, Reaped> flows;  // established, by their backend
    std::array<Forwarding, 2> forwarding;                            // of IPv6, of IPv4

    // The errno of the next commit, and of the next reap; one each.
    std::optional<int> refuse_commit;
    std::optional<int> refuse_reap;
    std::function<void()> before_reap;  // called by the thread that reaps, each time
    int refuse_forwarding = 0;          // errno of every change of the switches; 0: they take it
    std::uint64_t commits = 0;          // that changed something
};

// All or nothing, generations, EEXIST and ENOENT, timeouts by the boot clock: as the real one. It counts no packets,
// and removing an element that is not there is no error (as with Capabilities::destroy).
class MemoryKernel final : public Kernel {
public:
    MemoryKernel() : MemoryKernel(std::make_shared<Memory>()) {}
    explicit MemoryKernel(std::shared_ptr<Memory> memory) : memory_(std::move(memory)) {}

    core::Result<std::uint32_t> generation() override { return memory_->generation; }
    core::Result<Snapshot> snapshot(std::string_view table, Depth depth) override;
    core::Result<std::optional<Element>> element(std::string_view table, std::string_view map, const Key& key) override;
    Commit commit(const Transaction& transaction, std::optional<std::uint32_t> generation) override;
    Commit check(const Transaction& transaction) override;
    core::Result<Reaped> reap(const Destination& destination) override;
    core::Result<std::uint64_t> count_redirected(const Destination& destination) override;
    core::Result<Forwarding> forwarding(bool v4) override { return memory_->forwarding.at(v4 ? 1 : 0); }
    core::Result<void> set_forwarding(bool v4, const Forwarding& wanted) override;

private:
    std::shared_ptr<Memory> memory_;
};

}  // namespace netfilter

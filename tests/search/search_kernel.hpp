// SearchKernel: the kernel in memory, with troubles: commits that are refused, and commits with a lost answer. Records
// the fences in Truth.
#pragma once

#include <atomic>
#include <memory>

#include "tests/search/truth.hpp"
#include "tests/support/memory_kernel.hpp"

namespace tests::search {

// Troubles of the next commits. Shared by all kernels of a world, because fence processes come and go.
struct KernelTroubles {
    std::atomic<unsigned> spare = 0;    // so many commits are made before the next ones are met
    std::atomic<unsigned> refuse = 0;   // so many commits
    std::atomic<unsigned> unknown = 0;  // so many are made, and their answers are lost
    std::atomic<unsigned> vanish = 0;   // so many are not made, and their answers are lost
    std::atomic<unsigned> refuse_reap = 0;
};

class SearchKernel final : public netfilter::Kernel {
public:
    // Both outlive it.
    SearchKernel(Truth& truth, KernelTroubles& troubles) : truth_(truth), troubles_(troubles), kernel_(truth.memory) {}

    core::Result<std::uint32_t> generation() override;
    core::Result<netfilter::Snapshot> snapshot(std::string_view table, netfilter::Depth depth) override;
    core::Result<std::optional<netfilter::Element>> element(std::string_view table, std::string_view map,
                                                            const netfilter::Key& key) override;
    netfilter::Commit commit(const netfilter::Transaction& transaction,
                             std::optional<std::uint32_t> generation) override;
    netfilter::Commit check(const netfilter::Transaction& transaction) override;
    core::Result<netfilter::Reaped> reap(const netfilter::Destination& destination) override;
    core::Result<std::uint64_t> count_redirected(const netfilter::Destination& destination) override;
    core::Result<netfilter::Forwarding> forwarding(bool v4) override;
    core::Result<void> set_forwarding(bool v4, const netfilter::Forwarding& wanted) override;

private:
    Truth& truth_;
    KernelTroubles& troubles_;
    netfilter::MemoryKernel kernel_;
};

}  // namespace tests::search

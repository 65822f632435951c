// The in-memory kernel: FenceManager's results in it. With root, also that the real kernel gives the same.
#include "tests/support/memory_kernel.hpp"

#include <random>
#include <thread>

#include "kernel.hpp"
#include "netfilter/fence/fence_table.hpp"

namespace netfilter::test {
namespace {

class MemoryKernelTest : public testing::Test {
protected:
    void SetUp() override {
        auto opened = FenceManager::open(std::make_unique<MemoryKernel>(memory_));
        ASSERT_TRUE(opened) << opened.error().line();
        manager_.emplace(std::move(*opened));
    }
    core::Result<void> apply(std::vector<Change> changes) { return manager_->apply(changes); }

    std::shared_ptr<Memory> memory_ = std::make_shared<Memory>();
    std::optional<FenceManager> manager_;
    const Address backend_ = *Address::parse("10.0.0.1:80");
};

TEST_F(MemoryKernelTest, KeepsFencesAsTheyAreStored) {
    const auto fence = make_fence(backend_);
    ASSERT_TRUE(apply({fence}));
    EXPECT_EQ(*manager_->list(), std::vector<Fence>{as_stored(fence)});
    ASSERT_TRUE(apply({Unfence{backend_}}));
    EXPECT_TRUE(manager_->list()->empty());
}

TEST_F(MemoryKernelTest, DoesAllOfATransactionOrNothing) {
    ASSERT_TRUE(apply({make_fence(backend_)}));
    const auto before = *manager_->rules_text();
    MemoryKernel kernel(memory_);
    Transaction transaction{std::string(fence_table_name)};
    transaction.add(AddElements{map_of(backend_, Scope::all), {to_element(make_fence(backend_), {}, {})}});
    transaction.add(AddElements{map_of(backend_, Scope::fresh), {to_element(make_fence(backend_), {}, {})}});
    EXPECT_EQ(kernel.check(transaction).os_error, EEXIST);
    const auto done = kernel.commit(transaction, std::nullopt);
    EXPECT_EQ(done.outcome, Outcome::rejected);
    EXPECT_TRUE(done.operation.starts_with("create element inet gatehouse new4")) << done.operation;
    EXPECT_EQ(*manager_->rules_text(), before);
}

TEST_F(MemoryKernelTest, RefusesATransactionForAnotherGeneration) {
    MemoryKernel kernel(memory_);
    const auto generation = *kernel.generation();
    ASSERT_TRUE(apply({make_fence(backend_)}));
    Transaction transaction{std::string(fence_table_name)};
    transaction.add(RemoveTable{std::string(fence_table_name)});
    EXPECT_EQ(kernel.commit(transaction, generation).outcome, Outcome::stale);
    EXPECT_EQ(kernel.commit(transaction, generation + 1).outcome, Outcome::committed);
    EXPECT_TRUE(manager_->list()->empty());
}

TEST_F(MemoryKernelTest, ForgetsAnExpiredFence) {
    auto fence = make_fence(backend_);
    fence.until = core::base::wall_now() + std::chrono::milliseconds(30);
    ASSERT_TRUE(apply({fence}));
    // The timeout starts at the commit, which may come late.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!manager_->list()->empty() && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
    }
    EXPECT_TRUE(manager_->list()->empty());
    // The milliseconds of boot clock and wall clock do not start together.
    EXPECT_GE(core::base::wall_now() + std::chrono::milliseconds(1), *fence.until);
    EXPECT_TRUE(apply({make_fence(backend_)})) << "what has expired is not in the way";
}

TEST_F(MemoryKernelTest, SaysWhatTheNextCommitMeets) {
    memory_->refuse_commit = ENOMEM;
    const auto done = apply({make_fence(backend_)});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().os_error, ENOMEM);
    EXPECT_TRUE(apply({make_fence(backend_)}));
}

TEST_F(MemoryKernelTest, IsRepairedAfterAnotherProgramEmptiedIt) {
    memory_->tables.clear();
    ++memory_->generation;
    ASSERT_TRUE(apply({make_fence(backend_)}));
    EXPECT_EQ(manager_->list()->size(), 1U);
}

TEST_F(MemoryKernelTest, EndsFlowsOnceEach) {
    memory_->flows[{backend_, IPPROTO_TCP}] = {3, 1};
    const std::vector<Destination> both{{backend_}, {backend_.with_port(81)}};
    EXPECT_EQ(*manager_->reap(both), (Reaped{3, 1}));
    EXPECT_EQ(*manager_->reap(both), Reaped{});
}

// The same random changes to both kernels must give the same text.
TEST_F(Kernel, IsWhatTheInMemoryKernelImitates) {
    auto imitation = *FenceManager::open(std::make_unique<MemoryKernel>());
    std::minstd_rand random(7);
    for (int round = 0; round < 200; ++round) {
        std::vector<Change> changes;
        for (auto i = random() % 4; i > 0; --i) {
            const auto port = static_cast<std::uint16_t>(1 + random() % 6);
            auto fence = make_fence(Address::parse(random() % 2 ? "10.0.0.1:1" : "[fd00::1]:1")->with_port(port));
            fence.mode = static_cast<Mode>(random() % 3);
            fence.scope = static_cast<Scope>(random() % 2);
            fence.why = std::to_string(random() % 3);
            const Unfence lift{fence.backend};
            changes.push_back(random() % 3 == 0 ? Change{lift} : Change{fence});
        }
        ASSERT_TRUE(manager_->apply(changes));
        ASSERT_TRUE(imitation.apply(changes));
        ASSERT_EQ(*manager_->list(), *imitation.list()) << "round " << round;
    }
}

}  // namespace
}  // namespace netfilter::test

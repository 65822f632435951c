#include "appliance/control/state/store.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "tests/support/temporary_folder.hpp"
namespace appliance::control {
namespace {

namespace fs = std::filesystem;

class StoreTest : public testing::Test {
protected:
    Store open() const {
        auto store = Store::open(folder_);
        EXPECT_TRUE(store.has_value()) << store.error().line();
        return std::move(*store);
    }

    const tests::TemporaryFolder temporary_;
    const fs::path& folder_ = temporary_.path();
};

Administration sample() {
    Administration all;
    const core::WallTime time(core::Milliseconds(1'753'430'000'123));
    for (const char* text : {"10.0.0.1:80", "[fd00::1]:5222"}) {
        const auto address = *core::Address::parse(text);
        all.fences[address] = {
            address, "web1",      "app", config::FenceMode::icmp, "7f3a", "ann", "it's \"broken\"; -- \xc3\xa4",
            time,    std::nullopt};
    }
    all.fences.begin()->second.scope = netfilter::Scope::all;
    all.fences.begin()->second.until = time + core::Milliseconds(1'000);
    all.weights[{"app", "web1"}] = {"app", "web1", 7, "ann", "new machine", time};
    all.maintenance["app"] = {"app", "Back soon", "ann", "schema", time, time};
    return all;
}

TEST_F(StoreTest, StartsEmpty) {
    EXPECT_EQ(*open().load(), Administration{});
}

TEST_F(StoreTest, GivesBackWhatWasSavedAfterItWasClosed) {
    ASSERT_TRUE(open().save(sample()).has_value());
    EXPECT_EQ(*open().load(), sample());
}

TEST_F(StoreTest, ReadsTheFirstVersionsFencesAsOnesForNewFlows) {
    ASSERT_TRUE(open().save(sample()).has_value());
    {
        auto older = Database::open(folder_ / "gatehouse.db");
        ASSERT_TRUE(older->execute("ALTER TABLE fences DROP COLUMN scope; DROP TABLE weights; PRAGMA user_version=1")
                        .has_value());
    }
    auto wanted = sample();
    wanted.fences.begin()->second.scope = netfilter::Scope::fresh;
    wanted.weights.clear();
    Store store = open();
    EXPECT_EQ(*store.load(), wanted);
    ASSERT_TRUE(store.save(sample()).has_value());
    EXPECT_EQ(*store.load(), sample());
}

TEST_F(StoreTest, ReadsTheSecondVersionWhichHadNoWeights) {
    auto wanted = sample();
    wanted.weights.clear();
    ASSERT_TRUE(open().save(wanted).has_value());
    {
        auto older = Database::open(folder_ / "gatehouse.db");
        ASSERT_TRUE(older->execute("DROP TABLE weights; PRAGMA user_version=2").has_value());
    }
    EXPECT_EQ(*open().load(), wanted);
    ASSERT_TRUE(open().save(sample()).has_value());
    EXPECT_EQ(*open().load(), sample());
}

TEST_F(StoreTest, ForgetsWhatIsNoLongerThere) {
    Store store = open();
    ASSERT_TRUE(store.save(sample()).has_value());
    ASSERT_TRUE(store.save({}).has_value());
    ASSERT_TRUE(store.save({}).has_value());
    EXPECT_EQ(*store.load(), Administration{});
}

TEST_F(StoreTest, KnowsTheOwnerOfAFenceThatTheLastChangeLifted) {
    Store store = open();
    Administration all = sample();
    for (auto& [address, fence] : all.fences) {
        fence.rollout = 5;
        fence.others = "bob";
    }
    ASSERT_TRUE(store.save(all).has_value());
    EXPECT_TRUE(store.load()->lifted.empty());
    ASSERT_TRUE(store.save({}).has_value());
    Administration left = *store.load();
    EXPECT_EQ(left.lifted, (std::map<std::string, LiftedFence>{{"7f3a", {5, "bob"}}}));
    // A process that loads it keeps it until the kernel has been read, however often it saves before.
    for (int change = 0; change < 3; ++change) {
        ASSERT_TRUE(store.save(left).has_value());
    }
    EXPECT_EQ(*store.load(), left);
    left.lifted.clear();
    for (int change = 0; change < 2; ++change) {
        ASSERT_TRUE(store.save(left).has_value());
    }
    EXPECT_EQ(*store.load(), Administration{});
}

TEST_F(StoreTest, HasEverythingOnTheDiskWhenItIsKilled) {
    const pid_t child = ::fork();
    if (child == 0) {
        auto store = Store::open(folder_);
        const bool saved = store && store->save(sample());
        ::kill(::getpid(), saved ? SIGKILL : SIGTERM);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    EXPECT_EQ(*open().load(), sample());
}

TEST_F(StoreTest, RefusesACorruptFileAndLeavesItAlone) {
    const fs::path file = folder_ / "gatehouse.db";
    std::ofstream(file) << std::string(8192, 'x');
    const auto store = Store::open(folder_);
    ASSERT_FALSE(store.has_value());
    EXPECT_NE(store.error().mend.find("move"), std::string::npos) << store.error().line();
    EXPECT_EQ(fs::file_size(file), 8192U);
}

TEST_F(StoreTest, NoticesADamagedPage) {
    ASSERT_TRUE(open().save(sample()).has_value());
    const fs::path file = folder_ / "gatehouse.db";
    const auto size = fs::file_size(file);
    ASSERT_GE(size, 8192U);
    std::fstream damage(file, std::ios::in | std::ios::out | std::ios::binary);
    damage.seekp(4096);
    damage << std::string(size - 4096, '\x5a');
    damage.close();
    EXPECT_FALSE(Store::open(folder_).has_value());
}

TEST_F(StoreTest, RefusesAFileOfANewerGatehouse) {
    {
        auto database = Database::open(folder_ / "gatehouse.db");
        ASSERT_TRUE(database.has_value());
        ASSERT_TRUE(database->execute("PRAGMA user_version=99").has_value());
    }
    EXPECT_FALSE(Store::open(folder_).has_value());
}

TEST_F(StoreTest, SaysThatTheFolderIsMissing) {
    const auto store = Store::open(folder_ / "none");
    ASSERT_FALSE(store.has_value());
    EXPECT_NE(store.error().line().find("gatehouse.db"), std::string::npos);
}

// Root writes anywhere, so a full disk stands for every way in which writing fails half-way.
TEST_F(StoreTest, KeepsTheOldStateWhenTheDiskIsFull) {
    Store store = open();
    ASSERT_TRUE(store.save(sample()).has_value());
    auto database = Database::open(folder_ / "gatehouse.db");
    Administration large = sample();
    for (unsigned i = 0; i < 2'000; ++i) {
        const auto address = core::Address::parse("10.1.0.1:80")->with_port(static_cast<std::uint16_t>(1 + i));
        large.fences[address] = large.fences.begin()->second;
        large.fences[address].address = address;
        large.fences[address].why = std::string(900, 'w');
    }
    const rlimit before = [] {
        rlimit limit{};
        ::getrlimit(RLIMIT_FSIZE, &limit);
        return limit;
    }();
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit tight{200'000, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
    const auto saved = store.save(large);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    EXPECT_FALSE(saved.has_value());
    EXPECT_EQ(*store.load(), sample());
    EXPECT_TRUE(store.save(large).has_value());
}

}  // namespace
}  // namespace appliance::control

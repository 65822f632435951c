// What is wanted against what the kernel has, without a kernel.
#include "appliance/control/model/drift.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "appliance/control/observe/revision.hpp"

namespace appliance::control {
namespace {

using namespace std::chrono_literals;

const core::WallTime now = core::WallTime(1'700'000'000'000ms);

FenceRecord record(const char* address, const char* id) {
    FenceRecord made;
    made.address = *core::Address::parse(address);
    made.id = id;
    made.who = "ann";
    made.since = now - 1min;
    return made;
}

Administration wanted(const std::vector<FenceRecord>& records) {
    Administration made;
    for (const FenceRecord& each : records) {
        made.fences[each.address] = each;
    }
    return made;
}

Drift find(const Administration& administration, const std::vector<netfilter::Fence>& kernel,
           const std::set<std::string>& withdrawn = {}, Trust trust = Trust::store) {
    return find_drift(config::Config{}, administration, withdrawn, kernel, now, trust);
}

const FenceRecord first = record("10.0.0.1:80", "a");
const FenceRecord second = record("10.0.0.2:80", "b");

using Strings = std::vector<std::string>;

Strings words(const std::vector<netfilter::Change>& changes) {
    Strings made;
    for (const netfilter::Change& change : changes) {
        if (const auto* fence = std::get_if<netfilter::Fence>(&change)) {
            made.push_back(fence->backend.text() + " " + std::string(netfilter::print(fence->mode)) + " " +
                           std::string(netfilter::print(fence->scope)) + " " + fence->id);
        } else {
            made.push_back("open " + std::get<netfilter::Unfence>(change).backend.text());
        }
    }
    return made;
}

TEST(Drift, IsNothingWhereTheKernelHoldsWhatIsWanted) {
    const auto drift = find(wanted({first, second}), {kernel_fence(first), kernel_fence(second)});
    EXPECT_EQ(drift.differing.text(), "");
    EXPECT_TRUE(drift.changes.empty());
    EXPECT_EQ(drift.wanted, wanted({first, second}));
}

// A reload moved web2, its answer was lost, and what should have taken out the old fence failed.
TEST(Drift, OfTwoUnderOneIdThatWhereTheServerIsCounts) {
    config::Config config;
    config::Pool pool;
    pool.name = "app";
    pool.backends.push_back({{}, "web2", *core::Address::parse("10.0.0.22:80")});
    config.pools.push_back(std::move(pool));
    const FenceRecord there = record("10.0.0.22:80", "a");
    FenceRecord here = record("10.0.0.12:80", "a");
    here.rollout = 7;
    for (const bool stored : {true, false}) {
        const auto drift = find_drift(config, wanted(stored ? std::vector{here, there} : std::vector{here}), {},
                                      std::vector{kernel_fence(here), kernel_fence(there)}, now, Trust::store);
        EXPECT_EQ(words(drift.changes), (Strings{"open 10.0.0.12:80"}));
        ASSERT_EQ(drift.wanted.fences.size(), 1U);
        EXPECT_EQ(drift.wanted.fences.begin()->first, there.address);
        if (!stored) {
            EXPECT_EQ(drift.wanted.fences.begin()->second.rollout, 7) << "its owner moves with it";
        }
    }
}

// Neither is a server's: which of them was meant is not known, so both stay.
TEST(Drift, TwoUnderOneIdWithoutAServerStay) {
    const FenceRecord other = record("10.0.0.9:80", "a");
    const auto drift = find(wanted({first, other}), {kernel_fence(first), kernel_fence(other)});
    EXPECT_TRUE(drift.changes.empty());
}

TEST(Drift, InstallsWhatIsMissing) {
    const auto drift = find(wanted({first, second}), {kernel_fence(second)});
    EXPECT_EQ(drift.differing.text(), "1 fence missing");
    EXPECT_EQ(words(drift.changes), (Strings{"10.0.0.1:80 reset new a"}));
}

TEST(Drift, PutsAlteredModeScopeEndAndIdBack) {
    const auto good = kernel_fence(first);
    std::vector<netfilter::Fence> bad(4, good);
    bad[0].mode = netfilter::Mode::drop;
    bad[1].scope = netfilter::Scope::all;
    bad[2].until = now + 1h;
    bad[3].id = "z";
    for (const auto& found : bad) {
        const auto drift = find(wanted({first}), {found});
        EXPECT_EQ(drift.differing.text(), "1 fence altered");
        EXPECT_EQ(words(drift.changes), (Strings{"10.0.0.1:80 reset new a"}));
    }
    // The same backend in two maps: the wrong one must go, though the right one is there.
    EXPECT_EQ(find(wanted({first}), {good, bad[1]}).differing.text(), "1 fence altered");
}

TEST(Drift, KeepsWhatItDidNotKnow) {
    const auto drift = find(wanted({first}), {kernel_fence(first), kernel_fence(second)});
    EXPECT_EQ(drift.differing.text(), "1 fence added");
    EXPECT_TRUE(drift.changes.empty());
    EXPECT_EQ(drift.wanted.fences.at(second.address).who, "ann");
}

TEST(Drift, AFenceThatACrashKeptInTheKernelIsStillItsOwners) {
    Administration stored = wanted({first});
    stored.lifted[second.id] = {7, "bob"};
    const auto drift = find(stored, {kernel_fence(first), kernel_fence(second)});
    EXPECT_EQ(drift.wanted.fences.at(second.address).rollout, 7);
    EXPECT_EQ(drift.wanted.fences.at(second.address).others, "bob");
    EXPECT_EQ(drift.wanted.fences.at(first.address).rollout, std::nullopt);
    EXPECT_TRUE(drift.wanted.lifted.empty());
}

TEST(Drift, RemovesWhatWasTakenBackOrIsOver) {
    auto over = second;
    over.until = now;
    const auto drift = find(wanted({over}), {kernel_fence(first), kernel_fence(over)}, {"a"});
    EXPECT_EQ(drift.differing.text(), "2 fences left over");
    EXPECT_EQ(words(drift.changes), (Strings{"open 10.0.0.1:80", "open 10.0.0.2:80"}));
    EXPECT_EQ(drift.wanted, Administration{});
}

// The disk was in trouble: it holds an earlier order, of which the time may be over.
TEST(Drift, AtTheStartTheKernelsFenceCountsWhereTheStoreHoldsAnother) {
    auto over = second;
    over.until = now;
    const auto later = record("10.0.0.1:80", "c");
    const auto last = record("10.0.0.2:80", "d");
    const std::vector<netfilter::Fence> kernel{kernel_fence(later), kernel_fence(last)};
    const auto drift = find(wanted({first, over}), kernel, {}, Trust::kernel);
    EXPECT_TRUE(drift.changes.empty()) << words(drift.changes).front();
    EXPECT_EQ(drift.wanted.fences.at(first.address).id, "c");
    EXPECT_EQ(drift.wanted.fences.at(second.address).id, "d");
    EXPECT_EQ(words(find(wanted({first}), {kernel_fence(later)}).changes), (Strings{"10.0.0.1:80 reset new a"}));
}

TEST(Drift, AtTheStartTheStricterOfTwoWithOneIdIsTheNewer) {
    FenceRecord looser = first;
    looser.until = now + 1min;
    looser.lasts = 2min;
    FenceRecord wider = looser;
    wider.scope = netfilter::Scope::all;
    FenceRecord longer = looser;
    longer.until = now + 1h;
    longer.lasts = 61min;
    for (const FenceRecord& stricter : {wider, longer, first}) {
        // The disk has missed the last order.
        const auto missed = find(wanted({looser}), {kernel_fence(stricter)}, {}, Trust::kernel);
        EXPECT_TRUE(missed.changes.empty());
        EXPECT_EQ(missed.wanted, wanted({stricter}));
        // The kernel has: control ended between the disk and the kernel.
        const auto late = find(wanted({stricter}), {kernel_fence(looser)}, {}, Trust::kernel);
        EXPECT_EQ(late.changes.size(), 1U);
        EXPECT_EQ(late.wanted, wanted({stricter}));
    }
    // What the disk knows is over, and what it has missed goes on.
    FenceRecord over = first;
    over.until = now - 1s;
    EXPECT_TRUE(find(wanted({over}), {kernel_fence(first)}, {}, Trust::kernel).changes.empty());
    EXPECT_EQ(words(find(wanted({over}), {kernel_fence(first)}).changes), (Strings{"open 10.0.0.1:80"}));
    // Later the kernel was changed by another program.
    EXPECT_EQ(find(wanted({looser}), {kernel_fence(wider)}).changes.size(), 1U);
}

TEST(Drift, LeavesOtherProtocolsAlone) {
    auto udp = kernel_fence(first);
    udp.protocol = 17;
    EXPECT_EQ(find(wanted({}), {udp}).differing.text(), "");
    EXPECT_EQ(find(wanted({first}), {udp}).differing.text(), "1 fence missing");
}

TEST(Revision, AWatcherIsWokenByTheNextChange) {
    Revision revision;
    const auto seen = revision.current();
    std::thread changer([&] { revision.advance(); });
    revision.wait(seen, 20s);
    EXPECT_NE(revision.current(), seen);
    revision.wait(seen, 20s);  // what has changed meanwhile is not waited for
    changer.join();
}

}  // namespace
}  // namespace appliance::control

#include "appliance/api/slots.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <vector>

#include "core/base/descriptor.hpp"

namespace appliance::api {
namespace {

using core::base::Descriptor;

// A connection that has entered, and its peer.
struct Guest {
    Guest(Slots& all, const std::string& source, Slots::Clock::time_point now = Slots::Clock::now()) : slots(all) {
        int ends[2] = {-1, -1};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        own.reset(ends[0]);
        peer.reset(ends[1]);
        ticket = slots.enter(own.get(), source, now);
    }
    [[nodiscard]] bool shut_down() const {
        pollfd entry{peer.get(), POLLIN, 0};
        return ::poll(&entry, 1, 0) == 1;
    }
    void leave() { slots.leave(*ticket); }

    Slots& slots;
    Descriptor own;
    Descriptor peer;
    std::optional<Slots::Ticket> ticket;
};

constexpr SlotLimits small{
    .strangers = 4, .strangers_of_source = 2, .callers = 3, .callers_of_name = 2, .readers = 1, .grace = {}};

TEST(Slots, TheOldestStrangerOfASourceGoesFirst) {
    Slots slots(small);
    Guest first(slots, "a");
    Guest second(slots, "a");
    Guest other(slots, "b");
    EXPECT_FALSE(first.shut_down());
    Guest third(slots, "a");
    EXPECT_TRUE(first.shut_down());
    EXPECT_FALSE(second.shut_down());
    EXPECT_FALSE(other.shut_down());
}

TEST(Slots, ASourceWithManyMakesRoomForOneWithFew) {
    Slots slots(small);
    Guest few(slots, "a");
    Guest many(slots, "b");
    Guest more(slots, "b");
    Guest c(slots, "c");
    Guest d(slots, "d");
    EXPECT_TRUE(many.shut_down()) << "and not the oldest of all, which is alone";
    Guest e(slots, "e");
    EXPECT_TRUE(few.shut_down()) << "where all have one, the oldest";
    EXPECT_FALSE(more.shut_down());
}

TEST(Slots, ANewcomerIsNotShutDownForMoreOfItsSource) {
    SlotLimits limits = small;
    limits.grace = std::chrono::seconds(1);
    Slots slots(limits);
    const auto begin = Slots::Clock::now();
    Guest first(slots, "a", begin);
    Guest second(slots, "a", begin);
    EXPECT_FALSE(Guest(slots, "a", begin + std::chrono::milliseconds(999)).ticket);
    EXPECT_FALSE(first.shut_down());
    EXPECT_TRUE(Guest(slots, "a", begin + std::chrono::seconds(1)).ticket);
    EXPECT_TRUE(first.shut_down());
    // Another source does not wait for one with many.
    Guest b(slots, "b", begin);
    Guest c(slots, "c", begin);
    EXPECT_TRUE(Guest(slots, "d", begin).ticket);
    EXPECT_FALSE(b.shut_down());
}

TEST(Slots, CallersAreApartFromStrangers) {
    Slots slots(small);
    Guest ann(slots, "a");
    ASSERT_EQ(slots.admit(*ann.ticket, "ann", false), Slots::Admission::taken);
    std::vector<std::unique_ptr<Guest>> flood;
    for (int i = 0; i < 20; ++i) {
        flood.push_back(std::make_unique<Guest>(slots, "a"));
        ASSERT_TRUE(flood.back()->ticket || i > 8) << i;
        if (i > 4 && flood[i - 4]->ticket) {
            flood[i - 4]->leave();
        }
    }
    EXPECT_FALSE(ann.shut_down());
}

TEST(Slots, ANameHasItsShareAndReadersHaveTheirs) {
    Slots slots(small);
    Guest one(slots, "a");
    Guest two(slots, "a");
    EXPECT_EQ(slots.admit(*one.ticket, "ci", true), Slots::Admission::taken);
    EXPECT_EQ(slots.admit(*two.ticket, "other", true), Slots::Admission::full) << "readers leave room for operators";
    EXPECT_EQ(slots.admit(*two.ticket, "ci", false), Slots::Admission::taken);
    Guest three(slots, "a");
    EXPECT_EQ(slots.admit(*three.ticket, "ci", false), Slots::Admission::name_full);
    EXPECT_EQ(slots.admit(*three.ticket, "ann", false), Slots::Admission::taken);
    Guest four(slots, "a");
    EXPECT_EQ(slots.admit(*four.ticket, "bob", false), Slots::Admission::full);
    three.leave();
    EXPECT_EQ(slots.admit(*four.ticket, "bob", false), Slots::Admission::taken);
}

TEST(Slots, AShutDownConnectionIsNoCallerAnyMore) {
    Slots slots(small);
    Guest one(slots, "a");
    ASSERT_TRUE(slots.drop_oldest());
    EXPECT_FALSE(slots.drop_oldest());
    EXPECT_EQ(slots.admit(*one.ticket, "ann", false), Slots::Admission::full);
}

TEST(Slots, ConnectionsThatDoNotLeaveAreBoundedToo) {
    Slots slots(small);
    std::vector<std::unique_ptr<Guest>> stuck;
    for (unsigned i = 0; i < small.callers + 2 * small.strangers; ++i) {
        stuck.push_back(std::make_unique<Guest>(slots, "a"));
        EXPECT_TRUE(stuck.back()->ticket);
    }
    EXPECT_FALSE(Guest(slots, "b").ticket);
    stuck.front()->leave();
    EXPECT_TRUE(Guest(slots, "b").ticket);
}

}  // namespace
}  // namespace appliance::api

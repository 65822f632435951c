#include "netfilter/protocol/redirect_protocol.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

#include "netfilter/agent/redirect_desk.hpp"
#include "netfilter/redirect/redirect_table.hpp"
#include "tests/support/memory_kernel.hpp"

namespace netfilter::wire {
namespace {

// More backends than a packet has room for.
std::vector<Redirect> many() {
    std::vector<Redirect> redirects;
    for (const char* listener : {"10.0.0.9:5222", "10.0.0.9:5223"}) {
        Redirect redirect{std::string("l") + listener, *core::Address::parse(listener), Spread::random, false, {}};
        redirect.name =
            redirect.name.substr(0, redirect.name.find(':')) + redirect.name.substr(redirect.name.size() - 1);
        for (std::uint16_t port = 1; port <= 100; ++port) {
            const auto address = core::Address::parse("10.0.0.1:1")->with_port(port);
            redirect.backends.push_back({address, port, port % 2 == 0, port % 3 == 0});
        }
        redirects.push_back(redirect);
    }
    return redirects;
}

std::vector<Request> packets(std::span<const RedirectItem> items, std::uint64_t id) {
    std::vector<Request> requests;
    do {
        const auto part = items.first(std::min(items.size(), redirect_items_max));
        items = items.subspan(part.size());
        requests.emplace_back();
        requests.back().id = id;
        requests.back().last = items.empty() ? 1 : 0;
        put_items(part, requests.back());
    } while (!items.empty());
    return requests;
}

TEST(RedirectProtocol, BringsBackWhatWasPacked) {
    const auto redirects = many();
    for (const auto forward : {Forward::as_needed, Forward::no_more}) {
        const auto back = unpack_redirects(pack_redirects(redirects, forward));
        ASSERT_TRUE(back) << back.error().line();
        EXPECT_EQ(*back, (RedirectOrder{redirects, forward}));
    }
    EXPECT_EQ(unpack_redirects(pack_redirects({}, Forward::no_more))->forward, Forward::no_more);
    const RedirectState state{Before::foreign,
                              Forwarded{true, true, EROFS},
                              {{redirects[0].listener, redirects[0].backends[0].address, 7, 1ULL << 40}}};
    const auto again = unpack_state(pack_state(state));
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, state);
    const RedirectState nothing{Before::foreign, Forwarded{false, true, 0}, {}};
    EXPECT_EQ(unpack_state(pack_state(nothing)), nothing);
}

TEST(RedirectProtocol, RefusesItemsThatNoClientSends) {
    const auto good = pack_redirects(many(), Forward::as_needed);
    const auto refused = [&good](std::size_t index, auto spoil) {
        auto items = good;
        spoil(items.at(index));
        return !unpack_redirects(items).has_value();
    };
    EXPECT_TRUE(refused(0, [](RedirectItem& item) { item.part = 1; })) << "nothing of forwarding";
    EXPECT_TRUE(refused(0, [](RedirectItem& item) { item.forward = 2; }));
    EXPECT_TRUE(refused(1, [](RedirectItem& item) { item.part = 3; }));
    EXPECT_TRUE(refused(1, [](RedirectItem& item) { item.part = 4; }));
    EXPECT_TRUE(refused(1, [](RedirectItem& item) { item.part = 2; })) << "a backend of no listener";
    EXPECT_TRUE(refused(1, [](RedirectItem& item) { item.family = 5; }));
    EXPECT_TRUE(refused(1, [](RedirectItem& item) { item.spread = 3; }));
    EXPECT_TRUE(refused(1, [](RedirectItem& item) { item.name.fill('a'); })) << "a name without an end";
    EXPECT_TRUE(refused(1, [](RedirectItem& item) { item.name = {"} ; x"}; }));
    EXPECT_TRUE(refused(1, [](RedirectItem& item) { item.masquerade = 2; }));
    EXPECT_TRUE(refused(2, [](RedirectItem& item) { item.eligible = 2; }));
    EXPECT_TRUE(refused(2, [](RedirectItem& item) { item.weight = 0; }));
    EXPECT_TRUE(refused(2, [](RedirectItem& item) { item.port = 0; }));
    EXPECT_FALSE(unpack_redirects({}));
}

TEST(RedirectProtocol, RefusesAnAnswerThatNoFenceProcessGives) {
    const auto refused = [](auto spoil) {
        auto items = pack_state({});
        spoil(items.front());
        return !unpack_state(items).has_value();
    };
    EXPECT_FALSE(refused([](RedirectItem&) {}));
    EXPECT_TRUE(refused([](RedirectItem& item) { item.part = 1; }));
    EXPECT_TRUE(refused([](RedirectItem& item) { item.before = 4; }));
    EXPECT_TRUE(refused([](RedirectItem& item) { item.ours = 2; }));
    EXPECT_TRUE(refused([](RedirectItem& item) { item.lingers = 2; }));
    EXPECT_TRUE(refused([](RedirectItem& item) { item.os_error = -1; }));
    EXPECT_FALSE(unpack_state({}));
}

class Desk : public testing::Test {
protected:
    Desk() { memory_->forwarding = {Forwarding{true, false}, Forwarding{true, false}}; }

    std::shared_ptr<Memory> memory_ = std::make_shared<Memory>();
    MemoryKernel kernel_{memory_};
    core::Result<void> allowed_;
    const AllowRedirects allow_ = [this](std::span<const Redirect>) { return allowed_; };
    RedirectDesk desk_{kernel_, allow_};
};

TEST_F(Desk, WaitsForTheLastPacketBeforeItTouchesTheKernel) {
    const auto requests = packets(pack_redirects(many(), Forward::as_needed), 1);
    ASSERT_GT(requests.size(), 1U);
    for (std::size_t i = 0; i + 1 < requests.size(); ++i) {
        const auto taken = desk_.take(requests[i]);
        ASSERT_TRUE(taken);
        EXPECT_FALSE(*taken);
    }
    EXPECT_EQ(memory_->commits, 0U);
    const auto taken = desk_.take(requests.back());
    ASSERT_TRUE(taken) << taken.error().line();
    ASSERT_TRUE(*taken);
    EXPECT_EQ((*taken)->before, Before::unknown);
    EXPECT_EQ((*taken)->counts.size(), 200U);
    EXPECT_EQ(memory_->commits, 1U);
}

TEST_F(Desk, GivesAnUnfinishedOrderUpWhenANewOneBegins) {
    const auto old = packets(pack_redirects(many(), Forward::as_needed), 1);
    ASSERT_TRUE(desk_.take(old.front()));
    for (const auto& request : packets(pack_redirects(std::vector{many().front()}, Forward::as_needed), 2)) {
        ASSERT_TRUE(desk_.take(request));
    }
    const auto found = kernel_.snapshot(redirect_table_name, Depth::elements);
    ASSERT_TRUE(found);
    EXPECT_EQ(counts_in(*found, std::vector{many().front()}).size(), 100U);
    EXPECT_EQ(*found->table, *redirect_table(std::vector{many().front()}).table);
    EXPECT_EQ(found->maps.size(), redirect_table(std::vector{many().front()}).maps.size()) << "one listener's";
}

TEST_F(Desk, BringsNothingToTheKernelThatIsNotAllowed) {
    allowed_ = core::fail("not this one");
    const auto refused = packets(pack_redirects(many(), Forward::as_needed), 1);
    for (std::size_t i = 0; i < refused.size(); ++i) {
        const auto taken = desk_.take(refused[i]);
        ASSERT_EQ(taken.has_value(), i + 1 < refused.size());
        EXPECT_TRUE(taken || taken.error().what == "not this one");
    }
    EXPECT_EQ(memory_->commits, 0U);
    allowed_ = {};
    for (const auto& request : packets(pack_redirects(many(), Forward::as_needed), 2)) {
        EXPECT_TRUE(desk_.take(request)) << "the refused order has left nothing behind";
    }
    EXPECT_EQ(memory_->commits, 1U);
}

TEST_F(Desk, LeavesTheKernelAloneWhenTheSameIsWantedAgain) {
    const auto redirects = std::vector{many().front()};
    for (const std::uint64_t id : {1U, 2U}) {
        for (const auto& request : packets(pack_redirects(redirects, Forward::as_needed), id)) {
            const auto taken = desk_.take(request);
            ASSERT_TRUE(taken) << taken.error().line();
            EXPECT_TRUE(!*taken || (*taken)->before == (id == 1 ? Before::unknown : Before::wanted));
        }
    }
    EXPECT_EQ(memory_->commits, 1U);
}

}  // namespace
}  // namespace netfilter::wire

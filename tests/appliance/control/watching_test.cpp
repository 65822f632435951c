// What a watcher of the rules sees while a fence is being set, and after its end.
#include <future>

#include "appliance/control/observe/views.hpp"
#include "tests/appliance/control/memory_fixture.hpp"

namespace appliance::control {
namespace {

// The proxy is told before the kernel: what is wanted and what the kernel holds differ then.
TEST_F(ControlInMemory, AFenceThatIsBeingSetIsNoDrift) {
    std::future<json> seen;
    std::promise<void> asked;
    proxy_->on_request([&](const std::string& type) {
        if (type == "administer" && !seen.valid()) {
            seen = std::async(std::launch::async, [&] {
                asked.set_value();
                return json(*control_->watch_rules(0, core::Milliseconds(0)));
            });
            asked.get_future().wait();
        }
    });
    ASSERT_TRUE(control_->fence(order({"web2"})).has_value());
    const json rules = seen.get();
    ASSERT_EQ(rules["fences"].size(), 1U);
    EXPECT_EQ(rules["fences"][0]["drift"], nullptr) << rules;
    EXPECT_EQ(rules["revision"], (*control_->rules())["revision"]) << "so that a watcher does not miss its end";
}

TEST_F(ControlInMemory, AFenceThatIsMissingIsDrift) {
    ASSERT_TRUE(control_->fence(order({"web2"})).has_value());
    const std::vector<netfilter::Change> lift{netfilter::Unfence{*core::Address::parse("10.0.0.12:80")}};
    ASSERT_TRUE(kernel_->apply(lift).has_value());
    EXPECT_EQ((*control_->rules())["fences"][0]["drift"], "missing in the kernel");
}

TEST(ViewRules, AnExpiredFenceIsNotMissed) {
    FenceRecord record;
    record.address = *core::Address::parse("10.0.0.12:80");
    record.until = *core::base::parse_time("2026-11-22T14:00:00Z");
    Administration administration;
    administration.fences[record.address] = record;
    EXPECT_EQ(view_rules({}, administration, {}, *record.until - core::Milliseconds(1))["fences"][0]["drift"],
              "missing in the kernel");
    EXPECT_TRUE(view_rules({}, administration, {}, *record.until)["fences"].empty());
}

}  // namespace
}  // namespace appliance::control

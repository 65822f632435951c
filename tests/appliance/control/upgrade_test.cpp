// What control does for an upgrade: asks the supervisor, and lets a proxy check before it serves.
#include <cerrno>

#include "appliance/control/routes/routes.hpp"
#include "tests/appliance/control/memory_fixture.hpp"

namespace appliance::control {
namespace {

constexpr const char* one_pool = R"(
[listen.web]
address = "127.0.0.1:8080"
mode = "http"
pool = "app"
[server.web1]
host = "10.0.0.11"
[server.web2]
host = "10.0.0.12"
[pool.app]
port = 80
servers = ["web1", "web2"]
[proxy]
user = "nobody"
)";

class UpgradeTest : public ControlInMemory {
protected:
    void SetUp() override {
        ControlInMemory::SetUp();
        end();
        write_config(one_pool);
        begin();
    }
    // A new proxy, while another one serves the same sockets.
    std::unique_ptr<Peer> introduce_beside() {
        auto pair = link::make_pair();
        const int fds[] = {pair->second.get()};
        supervisor_->tell({{"type", "child_started"}, {"process", "proxy"}, {"pid", 8}, {"beside", true}}, fds);
        handle_next();
        auto peer = std::make_unique<Peer>(std::move(pair->first));
        return peer;
    }
    void handle_next() {
        std::optional<link::Notice> event;
        for (int tries = 0; tries < 5 && !event; ++tries) {
            event = link_->next_event(Control::Clock::now() + std::chrono::seconds(5));
        }
        ASSERT_TRUE(event.has_value());
        control_->handle(std::move(*event));
    }
    // A while later, so that what is asked again and again is asked again.
    void settle_later() { control_->tick(later_ += std::chrono::seconds(2)); }

    Control::Clock::time_point later_ = Control::Clock::now();
};

TEST_F(UpgradeTest, AProxyBesideAnotherChecksBeforeItServes) {
    ASSERT_TRUE(control_->fence(order({"web1"})).has_value());
    const auto fresh = introduce_beside();
    fresh->checked = false;
    settle_later();
    EXPECT_EQ(fresh->last("configure")["listeners"], json::array());
    EXPECT_EQ(fresh->last("configure")["pools"][0]["backends"].size(), 2U);
    EXPECT_EQ(fresh->last("administer")["fences"].size(), 1U) << "before it could serve a visitor";
    settle_later();
    EXPECT_EQ(fresh->last("configure")["listeners"], json::array());
    EXPECT_EQ(control_->status()["proxy"]["state"], "starting");
    fresh->checked = true;
    settle_later();
    EXPECT_EQ(fresh->last("configure")["listeners"].size(), 1U);
    EXPECT_EQ(control_->status()["proxy"]["state"], "running");
    end();
}

TEST_F(UpgradeTest, AProxyThatIsAloneServesAtOnce) {
    proxy_->checked = false;
    EXPECT_EQ(proxy_->last("configure")["listeners"].size(), 1U);
}

TEST_F(UpgradeTest, TheSupervisorIsAskedFirstAndTakesOverWhenTheAnswerIsOut) {
    const api::Reply reply = ask({"POST", "/v1/upgrade", {}, R"({"why": "0.2"})", {1000, 1, "ann"}});
    EXPECT_EQ(reply.status, 202) << reply.body;
    EXPECT_EQ(supervisor_->last("check_upgrade")["why"], "0.2");
    EXPECT_EQ(supervisor_->last("check_upgrade")["who"], "ann");
    EXPECT_TRUE(supervisor_->last("upgrade").is_null());
    ASSERT_TRUE(reply.then);
    reply.then();
    EXPECT_FALSE(supervisor_->last("upgrade").is_null());
}

TEST_F(UpgradeTest, ARefusedBinaryIs409AndNothingComesThen) {
    supervisor_->refuse("check_upgrade");
    const api::Reply reply = ask({"POST", "/v1/upgrade", {}, "", {0, 1, "root"}});
    EXPECT_EQ(reply.status, 409);
    EXPECT_FALSE(reply.then);
}

TEST_F(UpgradeTest, StatusShowsWhatTheSupervisorTells) {
    EXPECT_TRUE(control_->status()["upgrade"].is_null());
    const json told{{"state", "done"}, {"number", 1}};
    supervisor_->tell({{"type", "upgrade"}, {"upgrade", told}, {"old_proxies", 0}});
    handle_next();
    EXPECT_EQ(json(control_->status()["upgrade"]), told);
}

}  // namespace
}  // namespace appliance::control

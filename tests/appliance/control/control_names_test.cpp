// Servers that are given by names. The test decides what the control's name service says.
#include <gmock/gmock.h>

#include <algorithm>

#include "core/base/clock.hpp"
#include "tests/appliance/control/fake_name_service.hpp"
#include "tests/appliance/control/memory_fixture.hpp"

namespace appliance::control {
namespace {

using namespace std::chrono_literals;

// web1 by a name, in app and chat; web2 by its address, in app alone.
constexpr const char* config_with_a_name = R"(
[listen.web]
address = "127.0.0.1:8080"
mode = "http"
pool = "app"
[server.web1]
host = "web1.example.org"
resolve = "1s"
[server.web2]
host = "10.0.0.12"
[pool.app]
port = 80
servers = ["web1", "web2"]
[pool.chat]
port = 5222
servers = ["web1"]
[proxy]
user = "nobody"
)";

class ControlWithNames : public ControlInMemory {
protected:
    void SetUp() override {
        ControlInMemory::SetUp();
        end();
        write_config(config_with_a_name);
        look_up_ = service_.look_up();
    }
    void TearDown() override {
        service_.hold(false);  // threads that ask are waited for
        ControlInMemory::TearDown();
    }
    void restart() {
        end();
        begin();
    }
    json backend(const char* server = "web1", std::size_t pool = 0) {
        const auto status = control_->status();
        for (const auto& each : status["pools"][pool]["backends"]) {
            if (each["server"] == server) {
                return each;
            }
        }
        return {};
    }
    void tick_until(const std::function<bool()>& done) {
        while (!done()) {
            core::base::sleep_for(1ms);
            control_->tick(Control::Clock::now());
        }
    }
    void await_address(const char* wanted) {
        tick_until([&] { return backend()["address"] == wanted; });
    }
    void await_resolves(bool wanted) {
        tick_until([&] { return backend()["name"]["resolves"] == wanted; });
    }
    // What the proxy was configured with; null: it was not.
    json configured(const char* server = "web1") {
        const json message = proxy_->last("configure");
        if (message.is_null()) {
            return {};
        }
        for (const json& each : message["pools"][0]["backends"]) {
            if (each["server"] == server) {
                return each["address"];
            }
        }
        return "left out";
    }

    FakeNameService service_;
};

TEST_F(ControlWithNames, TheFirstConfigurationWaitsForTheFirstAnswer) {
    service_.set("web1.example.org", {"10.0.0.11"});
    service_.hold(true);
    begin();
    const auto begun = Control::Clock::now();
    for (int i = 0; i < 3; ++i) {
        control_->tick(begun);
        EXPECT_TRUE(configured().is_null());
        EXPECT_EQ(backend()["why"], "web1.example.org is being looked up");
    }
    service_.hold(false);
    await_address("10.0.0.11:80");
    tick_until([&] { return !configured().is_null(); });
    EXPECT_EQ(configured(), "10.0.0.11:80");
    const json name = backend()["name"];
    EXPECT_EQ(name, json::parse(R"({"host": "web1.example.org", "resolves": true, "why": null, "since": null})"));
    EXPECT_TRUE(backend("web2")["name"].is_null());
}

TEST_F(ControlWithNames, AStartDoesNotWaitForANameServiceThatIsSilent) {
    service_.hold(true);
    begin();
    control_->tick(Control::Clock::now() + 3s);
    EXPECT_EQ(configured("web2"), "10.0.0.12:80");
    EXPECT_EQ(configured(), "left out");
    EXPECT_EQ(proxy_->last("configure")["probe_sockets"], json::parse(R"({"v4": 1, "v6": 0})")) << "for web2 alone";
    const json seen = backend();
    EXPECT_TRUE(seen["address"].is_null());
    EXPECT_EQ(seen["state"], "unknown");
    EXPECT_TRUE(seen["name"]["resolves"].is_null()) << "not known yet";
    service_.set("web1.example.org", {"10.0.0.11"});
    service_.hold(false);
    await_address("10.0.0.11:80");
    EXPECT_EQ(configured(), "10.0.0.11:80");
}

TEST_F(ControlWithNames, AServerMovesWithItsNameInEachPool) {
    service_.set("web1.example.org", {"10.0.0.11"});
    begin();
    await_address("10.0.0.11:80");
    tick_until([&] { return configured() == "10.0.0.11:80"; });
    service_.set("web1.example.org", {"10.0.0.21"});
    await_address("10.0.0.21:80");
    EXPECT_EQ(backend("web1", 1)["address"], "10.0.0.21:5222");
    EXPECT_EQ(configured(), "10.0.0.21:80");
}

TEST_F(ControlWithNames, AFenceMovesWithItsServer) {
    service_.set("web1.example.org", {"10.0.0.11"});
    begin();
    await_address("10.0.0.11:80");
    ASSERT_TRUE(control_->fence(order({"web1"})).has_value());
    EXPECT_EQ(fenced(), (std::vector<std::string>{"10.0.0.11:80", "10.0.0.11:5222"}));
    service_.set("web1.example.org", {"10.0.0.21"});
    await_address("10.0.0.21:80");
    EXPECT_EQ(fenced(), (std::vector<std::string>{"10.0.0.21:80", "10.0.0.21:5222"}));
    EXPECT_EQ(backend()["state"], "fenced");
    ASSERT_TRUE(control_->unfence(lift({"web1"})).has_value());
    EXPECT_TRUE(fenced().empty());
}

TEST_F(ControlWithNames, ANameThatFailsKeepsTheAddressAlsoOverARestart) {
    service_.set("web1.example.org", {"10.0.0.11"});
    begin();
    await_address("10.0.0.11:80");
    tick_until([&] { return configured() == "10.0.0.11:80"; });
    service_.set("web1.example.org", {});
    await_resolves(false);
    EXPECT_EQ(backend()["address"], "10.0.0.11:80");
    EXPECT_EQ(backend()["name"]["why"], "its name cannot be looked up: Name or service not known");
    EXPECT_TRUE(backend()["name"]["since"].is_string());
    restart();
    EXPECT_EQ(backend()["address"], "10.0.0.11:80");
    await_resolves(false);
    EXPECT_EQ(backend()["address"], "10.0.0.11:80");
}

// A reload that gives a server a name is kept like an answer: a restart changes no address.
TEST_F(ControlWithNames, AServerThatAReloadGivesANameStaysWhereItIs) {
    write_config(plain_config);
    begin();
    tick_until([&] { return configured() == "10.0.0.11:80"; });
    write_config(config_with_a_name);
    ASSERT_TRUE(control_->reload({"ann", ""}).has_value());
    EXPECT_EQ(backend()["address"], "10.0.0.11:80");
    await_resolves(false);
    control_->tick(Control::Clock::now());  // keeps it
    restart();
    EXPECT_EQ(backend()["address"], "10.0.0.11:80");
}

TEST_F(ControlWithNames, AServerWithoutAnAddressCannotBeFenced) {
    begin();
    await_resolves(false);
    const json seen = backend();
    EXPECT_EQ(seen["why"], "web1.example.org: its name cannot be looked up: Name or service not known");
    const auto refused = control_->fence(order({"web1", "web2"}));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().status, 409);
    EXPECT_EQ(refused.error().error.what, "web1 has no address yet");
    EXPECT_TRUE(fenced().empty());
    EXPECT_TRUE(control_->fence(order({"web2"})).has_value());
    EXPECT_TRUE(control_->unfence(lift({"web1"})).has_value()) << "it is not fenced, and that is what was wanted";
}

TEST_F(ControlWithNames, AnAddressThatDoesNotFitIsToldAndNotTaken) {
    service_.set("web1.example.org", {"10.0.0.11"});
    begin();
    await_address("10.0.0.11:80");
    service_.set("web1.example.org", {"10.0.0.12"});
    tick_until([&] { return backend()["name"]["why"].is_string(); });
    EXPECT_EQ(backend()["name"]["why"], "10.0.0.12:80 is web2 in pool app already");
    EXPECT_EQ(backend()["name"]["resolves"], true);
    EXPECT_EQ(backend()["address"], "10.0.0.11:80");
    service_.set("web1.example.org", {"10.0.0.11"});
    tick_until([&] { return backend()["name"]["why"].is_null(); });
}

TEST_F(ControlWithNames, AnAnswerThatTheProxyDoesNotTakeIsTriedAgain) {
    service_.set("web1.example.org", {"10.0.0.11"});
    begin();
    await_address("10.0.0.11:80");
    tick_until([&] { return configured() == "10.0.0.11:80"; });
    std::atomic<unsigned> asked = 0;
    proxy_->on_request([&asked](const std::string& type) { asked += type == "configure" ? 1 : 0; });
    proxy_->refuse("configure");
    service_.set("web1.example.org", {"10.0.0.21"});
    tick_until([&] { return asked >= 2; });  // the new one, and the way back
    EXPECT_EQ(backend()["address"], "10.0.0.11:80");
    proxy_->refuse("");
    await_address("10.0.0.21:80");
    proxy_->on_request({});
}

}  // namespace
}  // namespace appliance::control

// Which clients see the site behind a maintenance page.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class Bypasses : public RingTest {
protected:
    // A gate before a pool in maintenance. set() says which clients bypass the page.
    std::unique_ptr<Gate> gate(const std::function<void(Snapshot&)>& set, Mode mode = Mode::http) {
        auto made = std::make_unique<Gate>(std::vector<Address>{origin_.address()}, mode, set);
        administration_.maintenance.push_back({"app", "Moving house", ""});
        made->administer(administration_);
        return made;
    }
    static std::string with(const std::string& line) {
        return "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + line + "\r\n\r\n";
    }

    Origin origin_{answer_all(ok)};
    Administration administration_;
};

constexpr std::string_view page = "Moving house";
constexpr std::string_view site = "HTTP/1.1 200";

TEST_F(Bypasses, NoClientWithoutConfiguration) {
    const auto closed = gate([](Snapshot&) {});
    EXPECT_THAT(closed->ask(with("Cookie: =")), HasSubstr(page));
    EXPECT_THAT(closed->ask(with("X: ")), HasSubstr(page));
}

TEST_F(Bypasses, ANetworkSeesTheSite) {
    EXPECT_THAT(
        gate([](Snapshot& snapshot) { snapshot.bypass.networks = {*Network::parse("127.0.0.0/8")}; })->ask(get_close),
        StartsWith(site));
    EXPECT_THAT(
        gate([](Snapshot& snapshot) { snapshot.bypass.networks = {*Network::parse("10.0.0.0/8")}; })->ask(get_close),
        HasSubstr(page));
}

TEST_F(Bypasses, ATrustedBalancersAddressLetsNoClientThrough) {
    const auto behind = gate([](Snapshot& snapshot) {
        snapshot.bypass.networks = {*Network::parse("127.0.0.0/8")};
        snapshot.listeners[0].trusted = {*Network::parse("127.0.0.1")};
    });
    EXPECT_THAT(behind->ask(get_close), HasSubstr(page));
}

TEST_F(Bypasses, ACookieOfExactlyThatNameAndValueSeesTheSite) {
    const auto set = gate([](Snapshot& snapshot) {
        snapshot.bypass.cookie = "preview";
        snapshot.bypass.cookie_value = "4711";
    });
    EXPECT_THAT(set->ask(with("Cookie: a=b; preview=4711")), StartsWith(site));
    for (const char* wrong : {"preview=4712", "preview=47111", "preview=", "Preview=4711", "a=preview=4711"}) {
        EXPECT_THAT(set->ask(with(std::string("Cookie: ") + wrong)), HasSubstr(page)) << wrong;
    }
}

TEST_F(Bypasses, AHeaderOfThatNameInAnyCaseAndExactlyThatValueSeesTheSite) {
    const auto set = gate([](Snapshot& snapshot) {
        snapshot.bypass.field = "X-Preview";
        snapshot.bypass.field_value = "Let me in";
    });
    EXPECT_THAT(set->ask(with("x-preview:   Let me in  ")), StartsWith(site));
    EXPECT_THAT(set->ask(with("X-Preview: let me in")), HasSubstr(page));
    EXPECT_THAT(set->ask(with("X-Preview: ")), HasSubstr(page));
}

TEST_F(Bypasses, WithoutAServerTheySeeThePageToo) {
    const auto set = gate([](Snapshot& snapshot) {
        snapshot.bypass.networks = {*Network::parse("127.0.0.0/8")};
        snapshot.pools[0].hold = Milliseconds(30'000);
    });
    administration_.fences.push_back({"app", "web1"});
    set->administer(administration_);
    EXPECT_THAT(set->ask(get_close), HasSubstr(page));
}

TEST_F(Bypasses, RelaysGoByTheNetwork) {
    const auto set =
        gate([](Snapshot& snapshot) { snapshot.bypass.networks = {*Network::parse("127.0.0.0/8")}; }, Mode::tcp);
    Peer client = set->client();
    client.send(get_close);
    EXPECT_THAT(client.read_until("hi"), StartsWith(site));
}

}  // namespace
}  // namespace core::proxy::testing

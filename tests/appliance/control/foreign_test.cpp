// A process behind a link that sends what none of ours would: it is given up and reported, and control goes on.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <future>
#include <thread>

#include "appliance/control/link/helper_link.hpp"
#include "appliance/control/link/proxy_link.hpp"

namespace appliance::control {
namespace {

using nlohmann::json;

// What the link makes of one answer to a question; empty: nothing foreign was told.
std::string told_of(const std::function<void(link::Channel&, const json& question)>& answer) {
    std::string told;
    ProxyLink proxy([&told](const std::string& why) { told = why; });
    auto pair = link::make_pair();
    link::Channel far(std::move(pair->first));
    proxy.attach(std::move(pair->second), 7);
    std::thread peer([&] {
        auto question = far.receive(core::Milliseconds{5'000});
        ASSERT_TRUE(question && *question);
        answer(far, (*question)->body);
    });
    const auto asked = proxy.ask({{"type", "report"}}, {}, core::Milliseconds{5'000});
    peer.join();
    EXPECT_EQ(told.empty(), asked.has_value());
    EXPECT_TRUE(told.empty() || proxy.status().state == ProxyState::down);
    return told;
}

TEST(ForeignProxy, AnAnswerWithoutAnIdIsNoneOfOurs) {
    EXPECT_NE(told_of([](auto& link, const json&) { static_cast<void>(link.send({{"type", "done"}})); }), "");
}

TEST(ForeignProxy, ATypeThatIsANumberIsNoneOfOurs) {
    EXPECT_NE(told_of([](auto& link, const json& question) {
                  static_cast<void>(link.send({{"type", 5}, {"id", question["id"]}}));
              }),
              "");
}

TEST(ForeignProxy, AReportWithATextWhereANumberBelongsIsNoneOfOurs) {
    EXPECT_NE(told_of([](auto& link, const json& question) {
                  const json pools = {{{"name", "app"}, {"backends", {{{"server", "web1"}, {"active", "many"}}}}}};
                  static_cast<void>(link.send({{"type", "report"}, {"id", question["id"]}, {"pools", pools}}));
              }),
              "");
}

TEST(ForeignProxy, DescriptorsThatItSendsAreNoneOfOurs) {
    EXPECT_NE(told_of([](auto& link, const json& question) {
                  const int fds[] = {STDIN_FILENO};
                  static_cast<void>(link.send({{"type", "done"}, {"id", question["id"]}}, fds));
              }),
              "");
}

TEST(ForeignProxy, OursIs) {
    EXPECT_EQ(told_of([](auto& link, const json& question) {
                  static_cast<void>(link.send({{"type", "report"}, {"id", question["id"]}, {"pools", json::array()}}));
              }),
              "");
}

TEST(ForeignFence, BytesThatAreNoReplyEndTheTalk) {
    std::promise<std::string> told;
    HelperLink helper([] {}, [&told](const std::string& why) { told.set_value(why); });
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    const core::base::Descriptor far(ends[0]);
    helper.attach(core::base::Descriptor(ends[1]));
    ASSERT_EQ(::send(far.get(), "rubbish", 7, MSG_NOSIGNAL), 7);
    auto why = told.get_future();
    ASSERT_EQ(why.wait_for(std::chrono::seconds(30)), std::future_status::ready);
    EXPECT_FALSE(why.get().empty());
    EXPECT_FALSE(helper.attached());
}

}  // namespace
}  // namespace appliance::control

#include "core/health/monitor.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <memory>

#include "core/net/socket.hpp"
#include "tests/core/health/monitor_fixture.hpp"

namespace core::health::testing {
namespace {

// Every backend answers only when all have been visited: checks in sequence would never finish.
TEST_F(MonitorTest, ChecksAllNewTargetsAtOnceAndInParallel) {
    constexpr int count = 8;
    Counter all;
    std::vector<std::unique_ptr<Backend>> backends;
    std::vector<Target> targets;
    for (int i = 0; i < count; ++i) {
        backends.push_back(std::make_unique<Backend>([&all](Visit& visit, int) {
            visit.read_head();
            all.add();
            if (all.wait(count)) {
                visit.say("HTTP/1.1 200 OK\r\n\r\n");
            }
            visit.wait_for_end();
        }));
        targets.push_back(target("web" + std::to_string(i), backends.back()->address(), once));
    }
    apply(targets);
    const auto events = events_.wait(count);
    for (const Standing& event : events) {
        EXPECT_EQ(event.health, Health::up) << event.server << ": " << event.why;
    }
    const auto standings = monitor_->standings();
    ASSERT_EQ(standings.size(), 8U);
    EXPECT_EQ(standings[0].server, "web0");
    EXPECT_EQ(standings[7].server, "web7");
}

TEST_F(MonitorTest, KnowsNothingOfATargetUntilItsFirstCheckHasEnded) {
    Backend silent(say(""));
    apply({target("web1", silent.address(), once)});
    ASSERT_TRUE(silent.visits().wait(1));
    const auto standings = monitor_->standings();
    ASSERT_EQ(standings.size(), 1U);
    EXPECT_EQ(standings[0].health, Health::unknown);
    EXPECT_EQ(standings[0].why, "no check has ended yet");
    monitor_.reset();  // before the silent backend, which waits for its visitor to close
}

TEST_F(MonitorTest, FallsAfterTwoFailuresAndRisesAfterOnePass) {
    Backend backend(answer({200, 503, 200, 503, 503, 200}));
    apply({target("web1", backend.address(), often)});
    const auto events = events_.wait(3);
    ASSERT_TRUE(backend.visits().wait(9));
    ASSERT_EQ(events.size(), 3U);
    EXPECT_EQ(events[0].health, Health::up);
    EXPECT_EQ(events[0].passed, 1U);
    EXPECT_EQ(events[1].health, Health::down);
    EXPECT_EQ(events[1].why, "503 instead of 200");
    EXPECT_EQ(events[1].failed, 3U);
    EXPECT_EQ(events[2].health, Health::up);
    EXPECT_EQ(events[2].why, "200");
    EXPECT_EQ(events[2].passed, 3U);
    EXPECT_GE(events[2].since, events[1].since);
    EXPECT_EQ(events_.wait(3).size(), 3U) << "checks that change nothing are no events";
}

TEST_F(MonitorTest, NoticesAServerThatGoesAway) {
    auto backend = std::make_unique<Backend>(answer({200}));
    apply({target("web1", backend->address(), often)});
    EXPECT_EQ(events_.wait(1).at(0).health, Health::up);
    backend.reset();
    const auto events = events_.wait(2);
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[1].health, Health::down);
    EXPECT_EQ(events[1].why, "connect refused");
}

TEST_F(MonitorTest, LetsOneSilentServerHoldUpNoOther) {
    Backend silent(say(""));
    Backend well(answer({200}));
    apply({target("web1", silent.address(), once), target("web2", well.address(), often)});
    ASSERT_TRUE(well.visits().wait(10));
    EXPECT_EQ(events_.wait(1).at(0).server, "web2");
    monitor_.reset();  // before the silent backend, which waits for its visitor to close
}

TEST_F(MonitorTest, TakesABackendDownThatVisitorsFoundFailingUntilACheckPasses) {
    const Backend backend(answer({200}));
    apply({target("web1", backend.address(), often)});
    events_.wait(1);
    monitor_->fail("app", "web1", *Address::parse("127.0.0.1:1"), "another address");
    monitor_->fail("app", "web2", backend.address(), "another server");
    monitor_->fail("app", "web1", backend.address(), "5 exchanges in a row failed");
    const auto standings = events_.wait(3);
    EXPECT_EQ(standings.at(1).health, Health::down);
    EXPECT_EQ(standings.at(1).why, "5 exchanges in a row failed");
    EXPECT_EQ(standings.at(2).health, Health::up);
}

TEST_F(MonitorTest, ForgetsTheStandingOnRecheckAndAsksAtOnce) {
    Counter released;
    Backend backend([&](Visit& visit, int number) {
        visit.read_head();
        if (number == 1 || released.wait(1)) {
            visit.say("HTTP/1.1 200 OK\r\n\r\n");
        }
        visit.wait_for_end();
    });
    Backend other(answer({200}));
    apply({target("web1", backend.address(), once), target("web2", other.address(), once)});
    ASSERT_EQ(events_.wait(2).size(), 2U);
    monitor_->recheck("app", "web1", "fence lifted");
    ASSERT_TRUE(backend.visits().wait(2));
    auto standings = monitor_->standings();
    ASSERT_EQ(standings.size(), 2U);
    EXPECT_EQ(standings[0].health, Health::unknown);
    EXPECT_EQ(standings[0].why, "fence lifted");
    EXPECT_EQ(standings[1].health, Health::up) << "only the one that was named";
    released.add();
    const auto events = events_.wait(4);
    ASSERT_EQ(events.size(), 4U);
    EXPECT_EQ(events[2].server, "web1");
    EXPECT_EQ(events[2].health, Health::unknown) << "reported at once, so that no worker chooses it";
    EXPECT_EQ(events[3].server, "web1");
    EXPECT_EQ(events[3].health, Health::up);
    EXPECT_EQ(events[3].passed, 2U);
    EXPECT_EQ(other.visits().value(), 1);
}

// The first check hangs for an hour. The one after the fence was lifted must not wait for it, nor use its verdict.
TEST_F(MonitorTest, CountsNoCheckThatBeganBeforeTheRecheck) {
    Backend backend([](Visit& visit, int number) {
        visit.read_head();
        if (number > 1) {
            visit.say("HTTP/1.1 200 OK\r\n\r\n");
        }
        visit.wait_for_end();
    });
    apply({target("web1", backend.address(), once, once)});
    ASSERT_TRUE(backend.visits().wait(1));
    monitor_->recheck("app", "web1", "fence lifted");
    const auto events = events_.wait(2);
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].health, Health::unknown);
    EXPECT_EQ(events[1].health, Health::up);
    EXPECT_EQ(events[1].failed, 0U);
    EXPECT_EQ(events[1].passed, 1U);
}

TEST_F(MonitorTest, KeepsTheStandingOfTargetsThatStayTheSame) {
    Backend first(answer({200}));
    Backend second(answer({503}));
    apply({target("web1", first.address(), once)});
    const auto before = events_.wait(1);
    apply({target("web2", second.address(), once), target("web1", first.address(), once)});
    ASSERT_EQ(events_.wait(2).size(), 2U);
    const auto after = monitor_->standings();
    ASSERT_EQ(after.size(), 2U);
    EXPECT_EQ(after[0].server, "web2");
    EXPECT_EQ(after[0].health, Health::down);
    EXPECT_EQ(after[1].health, Health::up);
    EXPECT_EQ(after[1].since, before.at(0).since);
    EXPECT_EQ(after[1].passed, 1U);
    EXPECT_EQ(first.visits().value(), 1) << "nothing to ask again";
}

TEST_F(MonitorTest, AsksATargetThatWasRemovedNoMore) {
    Backend stays(answer({200}));
    Backend goes(answer({200}));
    apply({target("web1", stays.address(), often), target("web2", goes.address(), often)});
    ASSERT_TRUE(goes.visits().wait(2));
    apply({target("web1", stays.address(), often)});
    const int last = goes.visits().value();
    ASSERT_TRUE(stays.visits().wait(stays.visits().value() + 20));
    EXPECT_LE(goes.visits().value(), last + 1) << "one may have been on its way";
    ASSERT_EQ(monitor_->standings().size(), 1U);
    EXPECT_EQ(monitor_->standings()[0].server, "web1");
}

TEST_F(MonitorTest, HasNothingToSayWithoutTargets) {
    Backend backend(answer({200}));
    apply({target("web1", backend.address(), often)});
    apply({});
    EXPECT_TRUE(monitor_->standings().empty());
    monitor_->recheck("app", "web1", "nobody is there");
}

TEST_F(MonitorTest, EndsAtOnceWhileProbesAreOut) {
    Backend silent(say(""));
    Backend well(answer({200}));
    apply({target("web1", silent.address(), once, once), target("web2", well.address(), once)});
    ASSERT_TRUE(silent.visits().wait(1));
    ASSERT_TRUE(well.visits().wait(1));
    const io::Tick begun = io::steady_now();
    monitor_.reset();
    EXPECT_LT(io::steady_now() - begun, 5000U);
}

TEST_F(MonitorTest, EndsAReplacedProbeAtOnce) {
    Counter ended;
    Backend silent([&](Visit& visit, int) {
        visit.read_head();
        visit.wait_for_end();
        ended.add();
    });
    apply({target("web1", silent.address(), once, once)});
    ASSERT_TRUE(silent.visits().wait(1));
    apply({});
    EXPECT_TRUE(ended.wait(1));
}

TEST_F(MonitorTest, ProbesOnTheSocketsItWasGiven) {
    base::Descriptor marked = *net::open_socket(AF_INET);
    const int mark = 0x6748;
    if (::setsockopt(marked.get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0) {
        GTEST_SKIP() << "marking a socket needs CAP_NET_ADMIN (run as root)";
    }
    const base::Descriptor seen(::dup(marked.get()));
    Backend backend([&](Visit& visit, int) {
        visit.read_head();
        visit.say(net::peer_of(seen.get()) == Address() ? "HTTP/1.1 500 Other\r\n\r\n" : "HTTP/1.1 200 OK\r\n\r\n");
        visit.wait_for_end();
    });
    std::vector<base::Descriptor> sockets;
    sockets.push_back(*net::open_socket(AF_INET6));  // of no use to an IPv4 target
    sockets.push_back(std::move(marked));
    monitor_->apply({target("web1", backend.address(), often)}, std::move(sockets));
    ASSERT_TRUE(backend.visits().wait(5));
    EXPECT_EQ(events_.wait(1).at(0).health, Health::up) << "the probe should have come on the marked socket";
    int kept = 0;
    socklen_t size = sizeof kept;
    ::getsockopt(seen.get(), SOL_SOCKET, SO_MARK, &kept, &size);
    EXPECT_EQ(kept, mark);
}

// A check that could not be made says nothing about the server.
TEST_F(MonitorTest, AShortageOfDescriptorsIsNoVerdictAndIsTold) {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "a sanitized build: UBSan looks at objects through a pipe and needs descriptors of its own";
#endif
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    Address nobody;
    base::Descriptor listening = tests::listen_on_loopback(nobody);
    const rlimit none{0, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    Target tcp = target("web1", nobody, often);
    tcp.check.type = CheckType::tcp;
    apply({tcp});
    const bool told = events_.shortages.wait(3);
    const std::vector<Standing> meanwhile = monitor_->standings();
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_TRUE(told);
    ASSERT_EQ(meanwhile.size(), 1U);
    EXPECT_EQ(meanwhile[0].health, Health::unknown);
    EXPECT_EQ(meanwhile[0].failed, 0U);
    EXPECT_EQ(meanwhile[0].why.find("not checked: cannot open a socket: Too many open files"), 0U) << meanwhile[0].why;
    const auto events = events_.wait(1);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].health, Health::up);
}

TEST_F(MonitorTest, TheVerdictCountsBeforeTheServerHasClosed) {
    Counter released;
    Backend backend([&](Visit& visit, int) {
        visit.read_head();
        visit.say("HTTP/1.1 200 OK\r\n\r\n");
        released.wait(1);
    });
    apply({target("web1", backend.address(), once, once)});
    EXPECT_EQ(events_.wait(1).at(0).health, Health::up);
    released.add();
}

}  // namespace
}  // namespace core::health::testing

#include "appliance/control/observe/names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "appliance/control/state/resolved_names.hpp"
#include "appliance/state/stored_text.hpp"
#include "core/base/clock.hpp"
#include "tests/appliance/control/fake_name_service.hpp"
#include "tests/support/temporary_folder.hpp"

namespace appliance::control {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

core::Address host(const char* text) {
    return *core::Address::parse_host(text, 0);
}

config::Server named(const std::string& server, const std::string& name) {
    return {.name = server, .host = {}, .dns_name = name, .resolve = 1'000ms};
}

config::Config config_of(const std::vector<config::Server>& servers) {
    config::Config config;
    config.servers = servers;
    return config;
}

class NamesTest : public testing::Test {
protected:
    void await_asked_all() {
        while (!names_.settled()) {
            core::base::sleep_for(1ms);
        }
    }
    void await_revision(std::uint64_t revision) {
        while (names_.revision() < revision) {
            core::base::sleep_for(1ms);
        }
    }
    // The next news, however long they take.
    std::vector<Names::News> await_news() {
        for (;;) {
            if (auto news = names_.take_news(); !news.empty()) {
                return news;
            }
            core::base::sleep_for(1ms);
        }
    }

    FakeNameService service_;
    const config::Config config_ = config_of({named("web1", "web1.example.org")});
    Names names_{service_.look_up()};
};

TEST_F(NamesTest, ServersThatAreGivenByAddressesAreNotAskedFor) {
    names_.follow(config_of({{.name = "web1", .host = host("10.0.0.11")}}));
    EXPECT_TRUE(names_.settled());
    EXPECT_THAT(names_.standings(), IsEmpty());
}

TEST_F(NamesTest, ANameIsKnownWhenItHasBeenAskedFor) {
    service_.set("web1.example.org", {"10.0.0.12", "10.0.0.11"});
    service_.hold(true);
    names_.follow(config_);
    service_.await_first("web1.example.org");
    EXPECT_FALSE(names_.settled());
    EXPECT_FALSE(names_.standings().at("web1").asked);
    EXPECT_THAT(names_.answers_for(config_), IsEmpty());
    service_.hold(false);
    await_asked_all();
    EXPECT_THAT(names_.answers_for(config_),
                ElementsAre(Pair("web1", ElementsAre(host("10.0.0.11"), host("10.0.0.12")))));
    EXPECT_EQ(names_.revision(), 1U);
    EXPECT_THAT(names_.take_news(), IsEmpty()) << "a first answer is told when it is taken";
}

TEST_F(NamesTest, TheSameAnswerInAnotherOrderIsNoNewOne) {
    service_.set("web1.example.org", {"10.0.0.12", "10.0.0.11"});
    names_.follow(config_);
    await_revision(1);
    service_.set("web1.example.org", {"10.0.0.11", "10.0.0.12"});
    service_.await_asked("web1.example.org", 2);
    EXPECT_EQ(names_.revision(), 1U);
    service_.set("web1.example.org", {"10.0.0.13"});
    await_revision(2);
    EXPECT_THAT(names_.answers_for(config_), ElementsAre(Pair("web1", ElementsAre(host("10.0.0.13")))));
}

TEST_F(NamesTest, ANameThatFailsKeepsWhatItResolvedToAndIsToldOnce) {
    service_.set("web1.example.org", {"10.0.0.11"});
    names_.follow(config_);
    await_revision(1);
    service_.set("web1.example.org", {});
    const auto failed = await_news();
    ASSERT_EQ(failed.size(), 1U);
    EXPECT_EQ(failed[0].server, "web1");
    EXPECT_EQ(failed[0].standing.error, "its name cannot be looked up: Name or service not known");
    const auto since = failed[0].standing.failing_since;
    ASSERT_TRUE(since.has_value());
    service_.await_asked("web1.example.org", 2);
    EXPECT_THAT(names_.take_news(), IsEmpty());
    EXPECT_EQ(names_.standings().at("web1").failing_since, since) << "since the first that failed";
    EXPECT_EQ(names_.revision(), 1U);
    EXPECT_THAT(names_.answers_for(config_), ElementsAre(Pair("web1", ElementsAre(host("10.0.0.11")))));

    service_.set("web1.example.org", {"10.0.0.11"});
    const auto mended = await_news();
    ASSERT_EQ(mended.size(), 1U);
    EXPECT_EQ(mended[0].standing.error, "");
    EXPECT_FALSE(mended[0].standing.failing_since.has_value());
}

TEST_F(NamesTest, AnAnswerToAnotherNameThanIsWantedNowIsDropped) {
    service_.set("web1.example.org", {"10.0.0.11"});
    service_.set("other.example.org", {"10.0.0.99"});
    service_.hold(true);
    names_.follow(config_);
    service_.await_first("web1.example.org");
    const auto other = config_of({named("web1", "other.example.org")});
    names_.follow(other);
    service_.hold(false);
    await_asked_all();
    EXPECT_EQ(names_.standings().at("web1").name, "other.example.org");
    EXPECT_THAT(names_.answers_for(other), ElementsAre(Pair("web1", ElementsAre(host("10.0.0.99")))));
    EXPECT_THAT(names_.answers_for(config_), IsEmpty()) << "that was another name";
}

TEST_F(NamesTest, AServerThatGoesWhileItsNameIsAskedForIsForgotten) {
    service_.hold(true);
    names_.follow(config_);
    service_.await_first("web1.example.org");
    names_.follow(config_of({}));
    service_.hold(false);
    EXPECT_TRUE(names_.settled());
    EXPECT_THAT(names_.standings(), IsEmpty());
}

TEST_F(NamesTest, ANameThatStaysInTheConfigurationKeepsItsAnswer) {
    service_.set("web1.example.org", {"10.0.0.11"});
    names_.follow(config_);
    await_revision(1);
    service_.hold(true);
    const auto two = config_of({named("web1", "web1.example.org"), named("web2", "web2.example.org")});
    names_.follow(two);
    EXPECT_FALSE(names_.settled());
    EXPECT_THAT(names_.answers_for(two), ElementsAre(Pair("web1", ElementsAre(host("10.0.0.11")))));
    service_.hold(false);
}

// A reload that shortens the interval counts at once, not after the old one.
TEST_F(NamesTest, AShorterIntervalCountsAtOnce) {
    service_.set("web1.example.org", {"10.0.0.11"});
    config::Server slow = named("web1", "web1.example.org");
    slow.resolve = std::chrono::hours(1);
    names_.follow(config_of({slow}));
    await_revision(1);
    service_.set("web1.example.org", {"10.0.0.21"});
    names_.follow(config_);
    await_revision(2);
}

TEST_F(NamesTest, WhatAnEarlierProcessKnewCountsUntilTheNameResolves) {
    service_.hold(true);
    names_.follow(config_);
    names_.recall({{"web1", {host("10.0.0.11")}}, {"gone", {host("10.0.0.50")}}});
    EXPECT_TRUE(names_.settled()) << "there is an address to begin with";
    EXPECT_FALSE(names_.standings().at("web1").asked);
    EXPECT_THAT(names_.answers_for(config_), ElementsAre(Pair("web1", ElementsAre(host("10.0.0.11")))));
    service_.set("web1.example.org", {"10.0.0.21"});
    service_.hold(false);
    await_revision(1);
    EXPECT_THAT(names_.answers_for(config_), ElementsAre(Pair("web1", ElementsAre(host("10.0.0.21")))));
    names_.recall({{"web1", {host("10.0.0.11")}}});
    EXPECT_THAT(names_.answers_for(config_), ElementsAre(Pair("web1", ElementsAre(host("10.0.0.21"))))) << "too late";
}

TEST_F(NamesTest, WhatAnEarlierProcessKnewCountsAlsoWhereTheNameHasFailedAlready) {
    names_.follow(config_);
    await_asked_all();
    names_.recall({{"web1", {host("10.0.0.11")}}});
    EXPECT_THAT(names_.answers_for(config_), ElementsAre(Pair("web1", ElementsAre(host("10.0.0.11")))));
}

// More names than threads.
TEST_F(NamesTest, EachNameIsAskedFor) {
    config::Config config;
    for (unsigned i = 0; i < 4 * Names::threads_max; ++i) {
        const std::string server = "s" + std::to_string(i);
        config.servers.push_back(named(server, server + ".example.org"));
        service_.set(server + ".example.org", {"10.0.1." + std::to_string(i)});
    }
    names_.follow(config);
    await_asked_all();
    EXPECT_EQ(names_.answers_for(config).size(), config.servers.size());
}

TEST(NamesInOrder, ThePreferredFamilyComesFirstAndEachAddressOnce) {
    const auto at = [](const char* text) { return *core::Address::parse(text); };
    EXPECT_THAT(
        in_order({at("[fd00::2]:1"), at("10.0.0.12:1"), at("[fd00::1]:1"), at("10.0.0.11:1"), at("[fd00::2]:2")}),
        ElementsAre(host("fd00::1"), host("fd00::2"), host("10.0.0.11"), host("10.0.0.12")));
    EXPECT_THAT(in_order({at("10.0.0.12:1"), at("[fd00::1]:1"), at("10.0.0.11:1")}),
                ElementsAre(host("10.0.0.11"), host("10.0.0.12"), host("fd00::1")));
    EXPECT_THAT(in_order({}), IsEmpty());
}

class ResolvedNames : public testing::Test {
protected:
    static config::Server placed(const std::string& server, const std::string& name, const char* address) {
        config::Server made = named(server, name);
        made.host = host(address);
        return made;
    }
    config::Answers load(const std::vector<config::Server>& servers) {
        auto loaded = load_names(folder_.path(), config_of(servers));
        EXPECT_TRUE(loaded.has_value()) << loaded.error().line();
        return std::move(*loaded);
    }
    const tests::TemporaryFolder folder_;
};

TEST_F(ResolvedNames, AreThereForTheNextProcess) {
    EXPECT_THAT(load({named("web1", "web1.example.org")}), IsEmpty()) << "none was kept yet";
    ASSERT_TRUE(save_names(folder_.path(), {placed("web1", "web1.example.org", "10.0.0.11"),
                                            placed("web2", "web2.example.org", "fd00::12")}));
    EXPECT_THAT(load({named("web1", "web1.example.org"), named("web2", "web2.example.org")}),
                UnorderedElementsAre(Pair("web1", ElementsAre(host("10.0.0.11"))),
                                     Pair("web2", ElementsAre(host("fd00::12")))));
    ASSERT_TRUE(save_names(folder_.path(), {placed("web2", "web2.example.org", "10.0.0.12")}));
    EXPECT_THAT(load({named("web1", "web1.example.org"), named("web2", "web2.example.org")}),
                ElementsAre(Pair("web2", ElementsAre(host("10.0.0.12")))));
}

TEST_F(ResolvedNames, AreNotThoseOfAnotherNameOrServer) {
    ASSERT_TRUE(save_names(folder_.path(), {placed("web1", "web1.example.org", "10.0.0.11")}));
    EXPECT_THAT(load({named("web1", "other.example.org")}), IsEmpty());
    EXPECT_THAT(load({named("web2", "web1.example.org")}), IsEmpty());
    EXPECT_THAT(load({{.name = "web1", .host = host("10.0.0.99")}}), IsEmpty());
}

TEST_F(ResolvedNames, InAForeignFormatAreAnError) {
    ASSERT_TRUE(save_names(folder_.path(), {placed("web1", "web1.example.org", "10.0.0.11")}));
    for (const char* text : {"nothing", "{}", "[1]", R"([{"server": 1}])", R"([{"server": "web1"}])"}) {
        ASSERT_TRUE(state::save_text(folder_.path(), "resolved_names", text).has_value());
        const auto loaded = load_names(folder_.path(), config_of({named("web1", "web1.example.org")}));
        EXPECT_FALSE(loaded.has_value()) << text;
    }
}

}  // namespace
}  // namespace appliance::control

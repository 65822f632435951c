#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "appliance/cli/terminal/view.hpp"
#include "tests/appliance/cli/parse.hpp"

namespace appliance::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::string show_status(const json& answer, core::WallTime at, const Style& style) {
    return show_answer({"status"}, answer, style, at);
}

std::string show_rules(const json& answer, core::WallTime at, const Style& style) {
    return show_answer({"rules"}, answer, style, at);
}

std::string show_maintenance(const json& answer, core::WallTime at, const Style& style) {
    return show_answer({"maintenance", "status"}, answer, style, at);
}

const json status = json::parse(R"({
  "version": "0.1.0", "config": "/etc/gatehouse/gatehouse.toml", "since": "2026-11-22T11:00:00Z", "workers": 2,
  "proxy": {"state": "running", "pid": 812, "since": "2026-11-22T11:00:00Z"},
  "fence_helper": {"state": "running", "pid": 813, "since": "2026-11-22T11:00:00Z"},
  "listeners": [
    {"name": "web", "address": "0.0.0.0:80", "mode": "http", "pool": "app",
     "routes": [{"host": "*.example.org", "path": "/api", "pool": "chat"}], "sessions": 12, "accepted": 123456},
    {"name": "chat", "address": "0.0.0.0:5222", "mode": "tcp", "pool": "chat", "sessions": 0, "accepted": 9}],
  "pools": [
    {"name": "app", "state": "serving", "port": 80, "balance": "round_robin", "maintenance": null,
     "queue": {"waiting": 3, "most": 1024, "waited": 250, "overflow": 4, "expired": 1}, "backends": [
      {"server": "web1", "address": "10.0.0.11:80", "state": "up", "why": "200 to HEAD /", "since": "2026-11-22T11:00:01Z",
       "check": {"state": "up", "why": "200 to HEAD /", "since": "2026-11-22T11:00:01Z", "last_ms": 12.4, "passed": 9, "failed": 0},
       "fence": null, "active": 3, "total": 120000, "failed": 0, "weight": 1, "backup": false},
      {"server": "web2", "address": "10.0.0.12:80", "state": "fenced", "why": "deploying 2.3", "since": "2026-11-22T13:58:00Z",
       "by": "ada", "until": "2026-11-22T14:28:00Z",
       "check": {"state": "down", "why": "503 instead of 200", "since": "2026-11-22T13:59:00Z", "last_ms": 4, "passed": 1, "failed": 3},
       "active": 0, "total": 3456, "failed": 2, "max_connections": 200, "weight": 2, "backup": true}]},
    {"name": "chat", "state": "down", "port": 5222, "balance": "round_robin", "maintenance": null, "backends": [
      {"server": "web1", "address": "10.0.0.11:5222", "state": "down", "why": "connect refused", "since": "2026-11-22T13:59:30Z",
       "check": {"state": "down", "why": "connect refused", "since": "2026-11-22T13:59:30Z"}, "active": 0, "total": 0, "failed": 1, "weight": 1, "backup": false}]}]
})");

const json rules = json::parse(R"({"table": "inet gatehouse", "fences": [
  {"server": "web2", "pool": "app", "address": "10.0.0.12:80", "mode": "reset", "scope": "new", "packets": 42, "bytes": 2520,
   "who": "ada", "why": "deploying 2.3", "since": "2026-11-22T13:58:00Z", "until": "2026-11-22T14:28:00Z", "id": 7, "drift": null},
  {"server": null, "pool": null, "address": "10.0.0.99:80", "mode": "drop", "scope": "new", "packets": 0, "bytes": 0,
   "who": "", "why": "", "since": null, "until": null, "id": 8, "drift": "unknown to gatehouse"}]})");

void expect_narrow(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        EXPECT_LE(columns(line), 80U) << line;
    }
}

// Makes every string of a document long and nasty, and every number large, but leaves times as they are.
void worsen(json& value, const std::string& string) {
    if (value.is_string() && !core::base::parse_time(value.get<std::string>())) {
        value = string;
    } else if (value.is_number()) {
        value = std::numeric_limits<std::int64_t>::max();
    } else if (value.is_structured()) {
        for (auto& item : value) {
            worsen(item, string);
        }
    }
}

const std::vector<std::string> nasty = {
    std::string(63, 'n'),
    "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:65535",
    "a reason of many words that goes on and on until it has filled more than one line of anybody's terminal, twice "
    "over",
    "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
    "\x1b[31mred\x1b[0m\n\t\xff",
    "",
};

TEST(ShowStatus, ReadsAtAGlance) {
    EXPECT_EQ(show_status(status, now, {}), R"(gatehouse 0.1.0, up 3h, 2 workers, /etc/gatehouse/gatehouse.toml
proxy running 3h (pid 812), fence helper running 3h (pid 813)

LISTENER  ADDRESS       MODE  POOL  SESSIONS  ACCEPTED
web       0.0.0.0:80    http  app         12      123k
    *.example.org/api to chat
chat      0.0.0.0:5222  tcp   chat         0         9

POOL app: serving, port 80, round_robin
  queue: 3 of 1024 waiting, 250 have waited, 4 found it full, 1 waited too long
  SERVER  ADDRESS       STATE   FOR     CHECK    ACTIVE  TOTAL  FAILED
  web1    10.0.0.11:80  up      2h 59m  up 12ms       3   120k       0
      weight 1
  web2    10.0.0.12:80  fenced  2m      down          0   3456       2
      backup, at most 200 at once, weight 2
      ada: deploying 2.3, for another 28m
      check: 503 instead of 200 for 1m

POOL chat: down, port 5222, round_robin
  visitors see the page: every server is down
  SERVER  ADDRESS         STATE  FOR  CHECK  ACTIVE  TOTAL  FAILED
  web1    10.0.0.11:5222  down   30s  down        0      0       1
      connect refused
)");
}

TEST(ShowStatus, SaysWhichListenerIsUnreachable) {
    json absent = status;
    absent["listeners"][1]["present"] = false;
    absent["listeners"][1]["why"] = "10.0.0.9 is not an address of this machine yet";
    EXPECT_THAT(show_status(absent, now, {}), HasSubstr("0         9\n    10.0.0.9 is not an address of this"));
    absent["listeners"][1]["why"] = nullptr;
    EXPECT_EQ(show_status(absent, now, {}), show_status(status, now, {}));
}

TEST(ShowStatus, FitsEightyColumnsWhateverTheNamesAre) {
    for (const std::string& string : nasty) {
        json worse = status;
        worsen(worse, string);
        expect_narrow(show_status(worse, now, {}));
        EXPECT_EQ(show_status(worse, now, {}).find('\x1b'), std::string::npos);
    }
    expect_narrow(show_status(status, now, {}));
}

TEST(ShowStatus, SurvivesADaemonOfAnotherVersion) {
    for (const char* text : {"{}", R"({"pools": {}})", R"({"pools": [1, null, {}]})",
                             R"({"pools": [{"backends": [null]}]})", R"({"proxy": 1, "listeners": "x", "since": 5})"}) {
        EXPECT_FALSE(show_status(json::parse(text), now, {}).empty()) << text;
    }
    EXPECT_THAT(show_status(json::object(), now, {}), HasSubstr("no pools"));
}

TEST(ShowStatus, SaysWhyAPoolShowsThePage) {
    json page = status;
    page["pools"][0]["state"] = "maintenance";
    page["pools"][0]["maintenance"] = {{"message", "Back soon"},
                                       {"until", "2026-11-22T14:30:00Z"},
                                       {"who", "ada"},
                                       {"why", "schema"},
                                       {"since", "2026-11-22T13:50:00Z"}};
    EXPECT_THAT(show_status(page, now, {}), HasSubstr("POOL app: maintenance, port 80, round_robin\n"
                                                      "  maintenance page for 10m by ada: schema, for another 30m\n"
                                                      "  message: Back soon\n"));
}

TEST(ShowRules, ShowsEveryFenceWithItsReasonAndDrift) {
    EXPECT_EQ(show_rules(rules, now, {}), R"(table inet gatehouse: 2 fences
SERVER  POOL  ADDRESS       MODE   HITS  BY   FOR  LEFT
web2    app   10.0.0.12:80  reset    42  ada  2m   28m
    deploying 2.3
-       -     10.0.0.99:80  drop      0  -    -    -
    DRIFT: unknown to gatehouse
)");
}

TEST(ShowRules, FitsEightyColumnsWhateverTheNamesAre) {
    for (const std::string& string : nasty) {
        json worse = rules;
        worsen(worse, string);
        expect_narrow(show_rules(worse, now, {}));
    }
}

TEST(ShowRules, SaysWhenThereIsNoFence) {
    EXPECT_EQ(show_rules(json::parse(R"({"table": "inet gatehouse", "fences": []})"), now, {}),
              "table inet gatehouse: no fence in the kernel\n");
}

TEST(ShowRules, ShowsTheFirewallBesideTheFencesWhereThereIsOne) {
    json both = rules;
    both["firewall"] = json::parse(R"({"state": "off", "enabled": false, "in_kernel": false})");
    EXPECT_EQ(show_rules(both, now, {}), show_rules(rules, now, {}));
    both["firewall"] = json::parse(R"({"state": "on", "enabled": true, "in_kernel": false, "ports": [80]})");
    const auto text = show_rules(both, now, {});
    EXPECT_TRUE(text.starts_with(show_rules(rules, now, {}))) << text;
    EXPECT_THAT(text, HasSubstr("\nfirewall: on\n  NOT in the kernel\n  open to all: tcp 80\n"));
    both["fences"] = json::array();
    EXPECT_THAT(show_rules(both, now, {}), HasSubstr("no fence in the kernel\nfirewall: on\n"));
}

TEST(ShowMaintenance, NamesThePoolsThatShowThePage) {
    const json maintenance = json::parse(R"({"pools": [
      {"name": "app", "state": "maintenance", "maintenance": {"message": "Back soon", "until": null, "who": "ada",
       "why": "schema", "since": "2026-11-22T13:50:00Z"}},
      {"name": "chat", "state": "serving", "maintenance": null}]})");
    EXPECT_EQ(show_maintenance(maintenance, now, {}), R"(POOL  STATE        PAGE  BY   FOR  LEFT
app   maintenance  on    ada  10m  -
    schema
    message: Back soon
chat  serving      off   -    -    -
)");
    for (const std::string& string : nasty) {
        json worse = maintenance;
        worsen(worse, string);
        expect_narrow(show_maintenance(worse, now, {}));
    }
}

TEST(ShowMaintenance, SaysWhenVisitorsSeeThePageBecauseNoServerServes) {
    json lost = status;
    lost["pools"].erase(1);
    json& app = lost["pools"][0];
    app["state"] = "down";
    app["backends"][0]["state"] = "down";
    EXPECT_THAT(show_maintenance(lost, now, {}), HasSubstr("visitors see the page: 1 server down, 1 fenced\n"));
    EXPECT_THAT(show_status(lost, now, {}), HasSubstr("visitors see the page: 1 server down, 1 fenced\n"));
    app["backends"][0]["state"] = "fenced";
    EXPECT_THAT(show_maintenance(lost, now, {}), HasSubstr("visitors see the page: every server is fenced\n"));
    app["backends"][0]["state"] = "checking";
    EXPECT_THAT(show_maintenance(lost, now, {}), testing::Not(HasSubstr("visitors see the page")))
        << "what is not known yet is not said";
    app["backends"][0]["state"] = "fenced";
    lost["listeners"][0]["mode"] = "tcp";
    EXPECT_THAT(show_status(lost, now, {}), HasSubstr("clients are turned away: every server is fenced\n"));
    app["state"] = "maintenance";
    EXPECT_THAT(show_maintenance(lost, now, {}), testing::Not(HasSubstr("visitors see the page")));
}

TEST(ShowStatus, ShowsEveryWeightWhereOneDiffers) {
    json even = status;
    even["pools"][0]["backends"][1]["weight"] = 1;
    EXPECT_THAT(show_status(even, now, {}), testing::Not(HasSubstr("weight")));
    even["pools"][0]["backends"][1]["weight"] = 2;
    EXPECT_THAT(show_status(even, now, {}), HasSubstr("weight 1\n"));
}

TEST(ShowFenced, SaysWhatWasFencedAndWhetherItIsDrained) {
    const json answer{{"fences", {rules["fences"][0]}}, {"drained", true}, {"in_flight", 0}};
    EXPECT_EQ(show_answer({"fence", "web2", "--drain", "1s"}, answer),
              "fenced web2 in app (10.0.0.12:80), mode reset, for 28m\ndrained: nothing is in flight\n");
    EXPECT_EQ(show_answer({"fence", "web2"}, {{"fences", json::array()}, {"drained", false}, {"in_flight", 1}}),
              "nothing to fence: all of it is fenced already\n1 request still in flight\n");
}

TEST(ShowFenced, SaysTheTimeThatWasAskedFor) {
    json fence = rules["fences"][0];
    const auto shown = [&](const char* lasts, const char* until) {
        fence["until"] = until;
        return show_answer({"fence", "web2", "--for", lasts}, {{"fences", {fence}}});
    };
    EXPECT_THAT(shown("10s", "2026-11-22T14:00:09Z"), HasSubstr(", for 10s\n"));
    EXPECT_THAT(shown("24h", "2026-11-23T13:59:59Z"), HasSubstr(", for 1d\n"));
    EXPECT_THAT(shown("24h", "2026-11-22T14:30:00Z"), HasSubstr(", for 30m\n")) << "a stricter one has its own time";
}

TEST(ShowFenced, WhatIsNotKnownIsNotNothing) {
    const std::string shown =
        show_answer({"fence", "web2", "--kill"}, {{"fences", {rules["fences"][0]}}, {"in_flight", nullptr}});
    EXPECT_THAT(shown, HasSubstr("how many are in flight is not known: the proxy does not answer\n"));
}

TEST(ShowStatus, WhatIsNotKnownIsAQuestionMark) {
    json unknown = status;
    for (const char* key : {"active", "total", "failed"}) {
        unknown["pools"][0]["backends"][0][key] = nullptr;
    }
    unknown["listeners"][0]["sessions"] = nullptr;
    EXPECT_THAT(show_status(unknown, now, {}), HasSubstr("up 12ms       ?      ?       ?\n"));
    EXPECT_THAT(show_status(unknown, now, {}), HasSubstr("app          ?      123k\n"));
}

TEST(ShowRules, NamesTheRolloutThatHasSetAFence) {
    json owned = rules;
    owned["fences"][0]["owner"] = {{"kind", "rollout"}, {"rollout", 7}};
    EXPECT_THAT(show_rules(owned, now, {}), HasSubstr("42  rollout 7  2m "));
    owned["fences"][0]["owner"] = {{"kind", "operator"}};
    EXPECT_EQ(show_rules(owned, now, {}), show_rules(rules, now, {}));
    json held = status;
    held["pools"][0]["backends"][1]["fence"] = {{"who", "ada"}, {"owner", {{"kind", "rollout"}, {"rollout", 7}}}};
    EXPECT_THAT(show_status(held, now, {}), HasSubstr("rollout 7: deploying 2.3, for another 28m\n"));
}

TEST(PrintUntil, IsRoundedUpToSeconds) {
    const json object{{"until", "2026-11-22T14:00:10Z"}};
    EXPECT_EQ(print_until(object, "until", now + core::Milliseconds(73)), "10s");
    EXPECT_EQ(print_until(object, "until", now + core::Milliseconds(9'999)), "1s");
    EXPECT_EQ(print_until(object, "until", now + core::Milliseconds(10'000)), "over");
}

TEST(ShowFenced, CountsWhatWasKilled) {
    json answer{{"fences", {rules["fences"][0]}}, {"in_flight", 0}, {"killed", {{"sockets", 1}, {"forwarded", 0}}}};
    const std::string fenced = "fenced web2 in app (10.0.0.12:80), mode reset, for 28m\n";
    EXPECT_EQ(show_answer({"fence", "web2", "--kill"}, answer), fenced + "ended 1 connection\n");
    answer["killed"] = {{"sockets", 0}, {"forwarded", 12}};
    EXPECT_EQ(show_answer({"fence", "web2", "--kill"}, answer),
              fenced + "ended 0 connections and 12 forwarded flows\n");
}

TEST(ShowUnfenced, SaysWhetherTheServerIsOpen) {
    EXPECT_EQ(show_answer({"unfence", "a"}, {{"lifted", 2}}), "lifted 2 fences; open after the next passed check\n");
    EXPECT_EQ(show_answer({"unfence", "a", "--wait", "1ms"}, {{"lifted", 1}, {"passed", true}}),
              "lifted 1 fence; the first check has passed\n");
    EXPECT_EQ(show_answer({"unfence", "a"}, {{"lifted", 0}}), "nothing was fenced\n");
}

TEST(ShowWeights, SaysTheAuthorOfAWeight) {
    json changed = status;
    changed["pools"][0]["backends"][0]["weight_by_hand"] = {{"who", "ada"}, {"why", "new machine"}};
    EXPECT_THAT(show_status(changed, now, {}), HasSubstr("weight 1 by ada: new machine\n"));
    EXPECT_EQ(show_answer({"weight", "web1", "--reset"},
                          {{"weights",
                            {{{"server", "web1"}, {"pool", "app"}, {"weight", 3}, {"by_hand", true}},
                             {{"server", "web1"}, {"pool", "chat"}, {"weight", 1}, {"by_hand", false}}}}}),
              "web1 in app: weight 3, until it is reset\nweb1 in chat: weight 1, as configured\n");
}

TEST(ShowReloaded, ListsTheChanges) {
    EXPECT_EQ(show_answer({"reload"}, {{"changed", {"pool app", "listener web"}}}),
              "changed pool app\nchanged listener web\n");
    EXPECT_EQ(show_answer({"reload"}, {{"changed", json::array()}}), "nothing has changed\n");
}

}  // namespace
}  // namespace appliance::cli

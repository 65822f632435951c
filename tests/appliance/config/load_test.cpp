#include "appliance/config/file/load.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace appliance::config {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

// The example of the contract, with a page that exists and a user that every machine has.
constexpr std::string_view contract = R"([listen.web]
address = "0.0.0.0:80"
mode = "http"
pool = "app"
forwarded = true
request_id = true

[[listen.web.route]]
host = "Files.example.org"
pool = "chat"

[[listen.web.route]]
host = "*.example.org"
path = "/files"
pool = "chat"

[listen.chat]
address = "0.0.0.0:5222"
mode = "tcp"
trusted = ["10.0.0.0/8", "fd00::1"]
proxy_protocol = true
pool = "chat"

[server.web1]
host = "10.0.0.11"

[server.web2]
host = "10.0.0.12"

[pool.app]
port = 80
servers = ["web1", { name = "web2", weight = 2, port = 8080, max_connections = 200, backup = true }]
balance = "least_connections"
queue = 50
host = "app.internal"
proxy_protocol = "v2"
queue_timeout = "800ms"
source = ["10.0.0.5", "10.0.0.6"]
abort_on_close = true
hold = "3s"
slow_start = "20s"
backend_timeout = "5m"
check = { method = "HEAD", path = "/", host = "www.example.org", expect = 200, interval = "2s", timeout = "1s", fall = 2, rise = 1 }

[pool.chat]
port = 5222
servers = ["web1", "web2"]
check = { type = "tcp", interval = "3s", fall = 3, rise = 2 }

[maintenance]
page = "maintenance.html"
retry_after = "5m"
timezone = "Europe/Berlin"
bypass = ["10.1.0.0/16"]
bypass_cookie = "preview=4711"
bypass_header = "X-Preview: 4711"

[fence]
mode = "icmp"

[control]
socket = "/tmp/gatehouse.sock"
state = "/tmp/gatehouse"

[proxy]
workers = 3
user = "nobody"
drain = "10s"
relay_drain = "3s"
zero_copy = "off"

[timeouts]
head = "5s"
keep_alive = "30s"
connect = "1s"
backend = "2m"
client = "90s"
relay_idle = "2h"

[limits]
sessions = 1000
sessions_per_source = 50
head = "4KiB"
request_line = "1000B"
fields = 20
answer_head = "48KiB"
answer_fields = 300
chunk_extension = "0B"
trailers = "1KiB"
body_rate = 0
body_credit = "5s"

[log]
exchanges = false
)";

// A folder of its own that goes away with the test.
class Loading : public testing::Test {
protected:
    Loading() {
        std::string pattern = (std::filesystem::temp_directory_path() / "gatehouse-config-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
    }
    ~Loading() override { std::filesystem::remove_all(folder_); }

    std::filesystem::path write(const std::string& name, std::string_view bytes) const {
        std::ofstream(folder_ / name, std::ios::binary) << bytes;
        return folder_ / name;
    }

    std::filesystem::path folder_;
};

TEST_F(Loading, TheContractsExampleBecomesPlainValues) {
    write("maintenance.html", "<h1>Back soon</h1>");
    const auto config = load(write("gatehouse.toml", contract));
    ASSERT_TRUE(config) << config.error().front().text();
    Listener web;
    web.name = "web";
    web.address = *core::Address::parse("0.0.0.0:80");
    web.pool = "app";
    web.routes = {{"files.example.org", "", "chat"}, {"*.example.org", "/files", "chat"}};
    web.forwarded = web.request_id = true;
    Listener talk;
    talk.name = "chat";
    talk.address = *core::Address::parse("0.0.0.0:5222");
    talk.mode = Mode::tcp;
    talk.pool = "chat";
    talk.trusted = {*core::Network::parse("10.0.0.0/8"), *core::Network::parse("fd00::1")};
    talk.proxy_protocol = true;
    EXPECT_THAT(config->listeners, ElementsAre(web, talk));
    ASSERT_EQ(config->pools.size(), 2U);
    const Pool& app = config->pools.front();
    EXPECT_THAT(app.backends, ElementsAre(Backend{{1, 0, false}, "web1", *core::Address::parse("10.0.0.11:80")},
                                          Backend{{2, 200, true}, "web2", *core::Address::parse("10.0.0.12:8080")}));
    EXPECT_EQ(app.balance, Balance::least_connections);
    EXPECT_EQ(app.queue, 50U);
    EXPECT_EQ(app.host, "app.internal");
    EXPECT_TRUE(config->listeners[0].forwarded && config->listeners[0].request_id && !config->listeners[0].via);
    EXPECT_EQ(app.proxy_protocol, ProxyProtocol::v2);
    EXPECT_EQ(app.queue_timeout, 800ms);
    EXPECT_TRUE(app.abort_on_close);
    EXPECT_FALSE(Pool().abort_on_close);
    EXPECT_THAT(app.sources, ElementsAre(*core::Address::parse("10.0.0.5:0"), *core::Address::parse("10.0.0.6:0")));
    EXPECT_EQ(app.hold, 3s);
    EXPECT_EQ(app.slow_start, 20s);
    EXPECT_EQ(app.backend_timeout, 5min);
    EXPECT_EQ(Pool().backend_timeout, 0s);
    Check asked;
    asked.type = CheckType::http;
    asked.host = "www.example.org";
    EXPECT_EQ(app.check, asked);
    Check chat;
    chat.interval = 3s;
    chat.fall = 3;
    chat.rise = 2;
    EXPECT_EQ(config->pool("chat")->check, chat);
    EXPECT_EQ(config->maintenance, (Maintenance{folder_ / "maintenance.html",
                                                "<h1>Back soon</h1>",
                                                std::chrono::minutes(5),
                                                {*core::Network::parse("10.1.0.0/16")},
                                                "preview=4711",
                                                "X-Preview: 4711",
                                                "Europe/Berlin"}));
    EXPECT_EQ(config->fence_mode, FenceMode::icmp);
    EXPECT_EQ(config->control, (Control{"/tmp/gatehouse.sock", "/tmp/gatehouse"}));
    EXPECT_EQ(config->proxy, (Proxy{3, "nobody", ZeroCopy::off, 10s, 3s}));
    EXPECT_EQ(config->timeouts, (Timeouts{5s, 30s, 1s, 2min, 90s, 2h}));
    EXPECT_EQ(config->limits.sessions, 1000U);
    EXPECT_EQ(config->limits.sessions_per_source, 50U);
    EXPECT_EQ(config->limits.head, (core::http::Limits{.head = 4096, .request_line = 1000, .fields = 20}));
    EXPECT_EQ(config->limits.answer, (core::http::Limits{.head = 49152, .request_line = 8192, .fields = 300}));
    EXPECT_EQ(config->limits.chunks, (core::http::ChunkLimits{.extension = 0, .trailers = 1024}));
    EXPECT_EQ(config->limits.body_rate, (core::proxy::BodyRate{0, 5s}));
    EXPECT_EQ(config->limits.answer_rate, core::proxy::BodyRate{});
    EXPECT_FALSE(config->log.exchanges);
}

TEST_F(Loading, WhatTheFileLeavesOutHasADefault) {
    const auto config = parse(
        "[listen.web]\naddress = \"[::]:80\"\npool = \"app\"\n[server.a]\nhost = \"2001:db8::1\"\n"
        "[pool.app]\nport = 80\nservers = [\"a\"]\n",
        "gatehouse.toml");
    ASSERT_TRUE(config) << config.error().front().text();
    EXPECT_EQ(config->listeners.front().mode, Mode::http);
    EXPECT_EQ(config->pools.front().check, Check{});
    EXPECT_EQ(config->pools.front().check.type, CheckType::tcp);
    EXPECT_EQ(config->pools.front().backends.front().address.text(), "[2001:db8::1]:80");
    EXPECT_EQ(config->proxy, Proxy{});
    EXPECT_EQ(config->maintenance.bytes, "");
    EXPECT_EQ(config->control.socket, "/run/gatehouse/control.sock");
}

TEST_F(Loading, TheSameTextGivesEqualConfigurationsAndAnotherPageADifferentOne) {
    write("maintenance.html", "one");
    const auto file = write("gatehouse.toml", contract);
    const auto before = load(file);
    EXPECT_EQ(*before, *load(file));
    write("maintenance.html", "two");
    EXPECT_NE(*before, *load(file));
}

TEST_F(Loading, AFileThatIsMissingIsAProblemOfTheWholeFile) {
    const auto file = folder_ / "absent.toml";
    const auto config = load(file);
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().front().text(),
              file.string() + ": cannot read the configuration: No such file or directory; name the file with -c FILE");
}

TEST_F(Loading, AFolderOrAPipeIsNoConfiguration) {
    EXPECT_FALSE(load(folder_));
    const auto pipe = folder_ / "pipe";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    EXPECT_FALSE(load(pipe));
}

TEST_F(Loading, AFileOfExactlyTheLimitLoadsAndOneByteMoreDoesNot) {
    write("maintenance.html", "page");
    std::string text(contract);
    text += "#" + std::string(Bounds::file_bytes - text.size() - 1, ' ');
    EXPECT_TRUE(load(write("gatehouse.toml", text)));
    const auto config = load(write("gatehouse.toml", text + " "));
    ASSERT_FALSE(config);
    EXPECT_THAT(config.error().front().what, testing::HasSubstr("more than 1024 KiB"));
}

TEST_F(Loading, APageOfExactlyTheLimitLoadsAndOneByteMoreDoesNot) {
    const auto file = write("gatehouse.toml", contract);
    write("maintenance.html", std::string(Bounds::page_bytes, 'x'));
    EXPECT_TRUE(load(file));
    write("maintenance.html", std::string(Bounds::page_bytes + 1, 'x'));
    const auto config = load(file);
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().front().text(),
              fmt::format("{}:51:8: bad 'page' in [maintenance]: cannot read '{}': it holds more than 1024 KiB; write "
                          "the page's path, relative to this file",
                          file.string(), (folder_ / "maintenance.html").string()));
}

TEST_F(Loading, AnEmptyPageIsRefusedBecauseVisitorsWouldSeeNothing) {
    write("maintenance.html", "");
    EXPECT_FALSE(load(write("gatehouse.toml", contract)));
}

}  // namespace
}  // namespace appliance::config

// Every bound of the configuration, at the bound and one past it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "appliance/config/file/load.hpp"

namespace appliance::config {
namespace {

constexpr std::string_view beginning =
    "[listen.web]\naddress = \"0.0.0.0:80\"\npool = \"app\"\n[server.web1]\nhost = \"10.0.0.11\"\n";

// The first problem of a file with these servers, pools or other sections behind a good beginning; "" for none.
std::string first_problem(const std::string& rest, bool own_pool = false) {
    std::string text(beginning);
    if (!own_pool) {
        text += "[pool.app]\nport = 80\nservers = [\"web1\"]\n";
    }
    const auto config = parse(text + rest, "g.toml");
    return config ? "" : config.error().front().text();
}

std::string repeat(std::size_t count, const auto& print) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
        text += print(i);
    }
    return text;
}

std::string servers(std::size_t count) {
    return repeat(count, [](std::size_t i) {
        return fmt::format("[server.s{}]\nhost = \"10.{}.{}.1\"\n", i, 1 + i / 256, i % 256);
    });
}

TEST(Limits, ServersAreBounded) {
    EXPECT_EQ(first_problem(servers(Bounds::servers - 1)), "");
    EXPECT_THAT(first_problem(servers(Bounds::servers)),
                testing::HasSubstr("1025 tables [server.NAME] are too many; at most 1024 are allowed"));
}

TEST(Limits, PoolsAreBounded) {
    const auto pools = [](std::size_t count) {
        return repeat(count,
                      [](std::size_t i) { return fmt::format("[pool.p{}]\nport = 80\nservers = [\"web1\"]\n", i); });
    };
    EXPECT_EQ(first_problem(pools(Bounds::pools - 1)), "");
    EXPECT_THAT(first_problem(pools(Bounds::pools)), testing::HasSubstr("257 tables [pool.NAME] are too many"));
}

TEST(Limits, ListenersAreBounded) {
    const auto listeners = [](std::size_t count) {
        return repeat(count, [](std::size_t i) {
            return fmt::format("[listen.l{}]\naddress = \"0.0.0.0:{}\"\npool = \"app\"\n", i, 1000 + i);
        });
    };
    EXPECT_EQ(first_problem(listeners(Bounds::listeners - 1)), "");
    EXPECT_THAT(first_problem(listeners(Bounds::listeners)),
                testing::HasSubstr("257 tables [listen.NAME] are too many"));
}

TEST(Limits, BackendsOfAPoolAreBounded) {
    const auto pool = [](std::size_t count) {
        // With web1 of the valid part.
        return servers(Bounds::servers - 1) + "[pool.app]\nport = 80\nservers = [\"web1\", " +
               repeat(count - 1, [](std::size_t i) { return fmt::format("\"s{}\", ", i); }) + "]\n";
    };
    EXPECT_EQ(first_problem(pool(Bounds::backends), true), "");
    EXPECT_THAT(first_problem(pool(Bounds::backends + 1), true), testing::HasSubstr("1025 servers are too many"));
}

TEST(Limits, BackendsOfAPoolInTheKernelAreBounded) {
    const auto pool = [](std::size_t count) {
        return servers(count) + "[listen.k]\naddress = \"0.0.0.0:81\"\nmode = \"tcp\"\npool = \"k\"\n" +
               "[pool.k]\nport = 80\nplane = \"kernel\"\nservers = [" +
               repeat(count, [](std::size_t i) { return fmt::format("\"s{}\", ", i); }) + "]\n";
    };
    EXPECT_EQ(first_problem("[pool.app]\nport = 80\nservers = [\"s0\"]\n" + pool(Bounds::kernel_backends), true), "");
    EXPECT_THAT(first_problem("[pool.app]\nport = 80\nservers = [\"s0\"]\n" + pool(Bounds::kernel_backends + 1), true),
                testing::HasSubstr("at most 256 servers, and 257 stand here"));
}

TEST(Limits, TrustedNetworksAreBounded) {
    const auto listener = [](std::size_t count) {
        return "[listen.in]\naddress = \"0.0.0.0:81\"\npool = \"app\"\nproxy_protocol = true\ntrusted = [" +
               repeat(count, [](std::size_t i) { return fmt::format("\"10.0.{}.0/24\", ", i); }) + "]\n";
    };
    EXPECT_EQ(first_problem(listener(Bounds::networks)), "");
    EXPECT_THAT(first_problem(listener(Bounds::networks + 1)), testing::HasSubstr("65 networks are too many"));
}

TEST(Limits, NamesAreBounded) {
    const auto server = [](std::size_t size) {
        return fmt::format("[server.{}]\nhost = \"10.0.0.12\"\n", std::string(size, 'x'));
    };
    EXPECT_EQ(first_problem(server(Bounds::name_bytes)), "");
    EXPECT_THAT(first_problem(server(Bounds::name_bytes + 1)), testing::HasSubstr("bad name 'xxx"));
}

TEST(Limits, TheSocketsPathFitsTheKernelsStructure) {
    const auto control = [](std::size_t size) {
        return fmt::format("[control]\nsocket = \"/{}\"\n", std::string(size - 1, 's'));
    };
    EXPECT_EQ(first_problem(control(Bounds::socket_bytes)), "");
    EXPECT_THAT(first_problem(control(Bounds::socket_bytes + 1)), testing::HasSubstr("at most 107 bytes"));
}

TEST(Limits, WhatLetsTestersInIsTakenAtItsBoundsAndRefusedPastThem) {
    const auto maintenance = [](const std::string& line) { return first_problem("[maintenance]\n" + line + "\n"); };
    EXPECT_EQ(maintenance("bypass = [\"10.0.0.0/8\", \"fd00::/8\"]"), "");
    EXPECT_NE(maintenance("bypass = [\"10.0.0.1/8\"]"), "");
    const std::string name = "preview=";
    EXPECT_EQ(maintenance("bypass_cookie = \"" + name + std::string(256 - name.size(), 'x') + "\""), "");
    EXPECT_NE(maintenance("bypass_cookie = \"" + name + std::string(257 - name.size(), 'x') + "\""), "");
    for (const char* wrong : {"preview", "preview=", "=1", "a b=1", "a=b c", "a=b;c", "a=\\\"b"}) {
        EXPECT_THAT(maintenance(std::string("bypass_cookie = \"") + wrong + "\""), testing::HasSubstr("is none"));
    }
    const std::string header = "X-Preview: ";
    EXPECT_EQ(maintenance("bypass_header = \"" + header + std::string(256 - header.size(), 'x') + "\""), "");
    EXPECT_NE(maintenance("bypass_header = \"" + header + std::string(257 - header.size(), 'x') + "\""), "");
    for (const char* wrong : {"X-Preview", "X-Preview:", "X-Preview: ", "X-Preview:1", "X P: 1", "X:  1", "X: 1 ",
                              "Host: a", "Connection: x", "X: \\u00e4"}) {
        EXPECT_THAT(maintenance(std::string("bypass_header = \"") + wrong + "\""), testing::HasSubstr("is none"))
            << wrong;
    }
}

TEST(Limits, NumbersAndDurationsAreTakenAtTheirBoundsAndRefusedPastThem) {
    const auto server = [](std::string_view key, std::int64_t value) {
        return fmt::format("[pool.app]\nport = 80\nservers = [{{ name = \"web1\", {} = {} }}]\n", key, value);
    };
    EXPECT_EQ(first_problem(server("weight", 256), true), "");
    EXPECT_NE(first_problem(server("weight", 257), true), "");
    EXPECT_NE(first_problem(server("weight", 0), true), "");
    EXPECT_EQ(first_problem(server("max_connections", 0), true), "");
    EXPECT_EQ(first_problem(server("max_connections", 1'000'000), true), "");
    EXPECT_NE(first_problem(server("max_connections", 1'000'001), true), "");
    const auto pool = [](std::string_view line) {
        return fmt::format("[pool.app]\nport = 80\nservers = [\"web1\"]\n{}\n", line);
    };
    EXPECT_EQ(first_problem(pool("check = { passive_fall = 0 }"), true), "");
    EXPECT_EQ(first_problem(pool("check = { passive_fall = 100 }"), true), "");
    EXPECT_NE(first_problem(pool("check = { passive_fall = 101 }"), true), "");
    EXPECT_EQ(first_problem(pool("queue = 0"), true), "");
    EXPECT_EQ(first_problem(pool("queue = 65536"), true), "");
    EXPECT_NE(first_problem(pool("queue = 65537"), true), "");
    EXPECT_NE(first_problem(pool("queue = -1"), true), "");
    EXPECT_EQ(first_problem(pool("queue_timeout = \"10ms\""), true), "");
    EXPECT_NE(first_problem(pool("queue_timeout = \"9ms\""), true), "");
    EXPECT_EQ(first_problem(pool("queue_timeout = \"1h\""), true), "");
    EXPECT_NE(first_problem(pool("queue_timeout = \"61m\""), true), "");
    EXPECT_EQ(first_problem(pool("hold = \"60s\""), true), "");
    EXPECT_NE(first_problem(pool("hold = \"61s\""), true), "");
    EXPECT_EQ(first_problem(pool("hold = \"0s\"\nqueue = 0"), true), "");
    EXPECT_THAT(first_problem(pool("hold = \"1ms\"\nqueue = 0"), true), testing::HasSubstr("queue = 0 lets nobody"));
    EXPECT_EQ(first_problem(pool("backend_timeout = \"24h\""), true), "");
    EXPECT_NE(first_problem(pool("backend_timeout = \"25h\""), true), "");
    EXPECT_EQ(first_problem(pool("slow_start = \"1h\""), true), "");
    EXPECT_NE(first_problem(pool("slow_start = \"61m\""), true), "");
    EXPECT_NE(first_problem(pool("slow_start = \"1s\"\nbalance = \"source_hash\""), true), "");
    EXPECT_EQ(first_problem(pool("cookie = \"" + std::string(64, 'a') + "\""), true), "");
    EXPECT_NE(first_problem(pool("cookie = \"" + std::string(65, 'a') + "\""), true), "");
    EXPECT_NE(first_problem(pool("cookie = \"a b\""), true), "");
    EXPECT_NE(first_problem(pool("cookie = \"a=b\""), true), "");
    EXPECT_EQ(first_problem(server("port", 65535), true), "");
    EXPECT_NE(first_problem(server("port", 65536), true), "");
    EXPECT_EQ(first_problem("[proxy]\nworkers = 1024\n"), "");
    EXPECT_NE(first_problem("[proxy]\nworkers = 1025\n"), "");
    EXPECT_EQ(first_problem("[proxy]\ndrain = \"0s\"\n"), "");
    EXPECT_EQ(first_problem("[proxy]\ndrain = \"24h\"\n"), "");
    EXPECT_NE(first_problem("[proxy]\ndrain = \"25h\"\n"), "");
    EXPECT_EQ(first_problem("[proxy]\ndrain = \"5s\"\nrelay_drain = \"5s\"\n"), "");
    EXPECT_NE(first_problem("[proxy]\ndrain = \"5s\"\nrelay_drain = \"6s\"\n"), "");
    EXPECT_EQ(first_problem("[proxy]\ndrain = \"5s\"\n"), "") << "it follows drain where it is left out";
    EXPECT_EQ(first_problem("[timeouts]\nrelay_idle = \"30d\"\n"), "");
    EXPECT_NE(first_problem("[timeouts]\nrelay_idle = \"31d\"\n"), "");
    EXPECT_NE(first_problem("[timeouts]\nhead = \"99999999999999999999s\"\n"), "");
}

TEST(Limits, SourceAddressesAreOfTheServersFamilyAndEachStandsOnce) {
    const auto sources = [](const std::string& list) {
        return first_problem("[pool.six]\nport = 80\nservers = [\"web1\"]\nsource = " + list + "\n");
    };
    EXPECT_EQ(sources("[\"10.0.0.5\"]"), "");
    for (const auto& [list, says] : std::initializer_list<std::pair<const char*, const char*>>{
             {"[]", "it has 0 addresses; write a list of 1 to 64"},
             {"\"10.0.0.5\"", "it is a string"},
             {"[5]", "is not an address"},
             {"[\"10.0.0.5:80\"]", "10.0.0.5:80"},
             {"[\"0.0.0.0\"]", "is no machine's address"},
             {"[\"10.0.0.5\", \"10.0.0.5\"]", "10.0.0.5 stands there twice"},
             {"[\"10.0.0.5\", \"fd00::5\"]", "no server of the pool has an IPv6 address, as fd00::5 is"}}) {
        EXPECT_THAT(sources(list), testing::HasSubstr(says)) << list;
    }
}

TEST(Limits, WhatClientsMayAskForHasBounds) {
    const auto limits = [](std::string_view line) { return first_problem(fmt::format("[limits]\n{}\n", line)); };
    for (const auto* const taken : {"sessions = 1",
                                    "sessions = 1000000",
                                    "sessions_per_source = 0",
                                    "sessions_per_source = 1000000",
                                    "head = \"1KiB\"",
                                    "head = \"64KiB\"",
                                    "request_line = \"128B\"",
                                    "request_line = \"16KiB\"",
                                    "fields = 8",
                                    "fields = 500",
                                    "answer_head = \"1KiB\"",
                                    "answer_head = \"64KiB\"",
                                    "answer_fields = 8",
                                    "answer_fields = 500",
                                    "head = \"64KiB\"\nrequest_line = \"64KiB\"",
                                    "chunk_extension = \"0B\"",
                                    "chunk_extension = \"16KiB\"",
                                    "trailers = \"0B\"",
                                    "trailers = \"64KiB\"",
                                    "body_rate = 0",
                                    "body_rate = 1000000",
                                    "body_credit = \"1s\"",
                                    "answer_rate = 0",
                                    "answer_rate = 1000000",
                                    "answer_credit = \"1s\"",
                                    "answer_credit = \"1h\"",
                                    "body_credit = \"1h\""}) {
        EXPECT_EQ(limits(taken), "") << taken;
    }
    for (const auto* const refused : {"sessions = 0",
                                      "sessions = 1000001",
                                      "sessions_per_source = -1",
                                      "sessions_per_source = 1000001",
                                      "head = \"1023B\"",
                                      "head = \"65537B\"",
                                      "answer_head = \"1023B\"",
                                      "answer_head = \"65537B\"",
                                      "answer_fields = 7",
                                      "answer_fields = 501",
                                      "request_line = \"127B\"",
                                      "request_line = \"16385B\"",
                                      "head = \"2KiB\"\nrequest_line = \"2049B\"",
                                      "fields = 7",
                                      "fields = 501",
                                      "chunk_extension = \"16385B\"",
                                      "trailers = \"65537B\"",
                                      "body_rate = -1",
                                      "body_rate = 1000001",
                                      "body_credit = \"999ms\"",
                                      "body_credit = \"61m\"",
                                      "answer_rate = 1000001",
                                      "answer_credit = \"999ms\"",
                                      "head = \"99999999999999999999GiB\""}) {
        EXPECT_NE(limits(refused), "") << refused;
    }
    EXPECT_THAT(limits("head = 4096"), testing::HasSubstr("4096 has no unit; write a size, such as \"16KiB\""));
    EXPECT_THAT(limits("head = \"65KiB\""), testing::HasSubstr("write a size from 1KiB to 64KiB"));
}

}  // namespace
}  // namespace appliance::config

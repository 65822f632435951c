// Copying and splicing must deliver the same: bodies of all framings and sizes, byte for byte, both ways.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <cstring>
#include <random>

#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string noise(std::size_t size, std::uint64_t seed = 1) {
    std::mt19937_64 random(seed);
    std::string bytes(size, 0);
    for (std::size_t i = 0; i < size; i += 8) {
        const std::uint64_t word = random();
        std::memcpy(bytes.data() + i, &word, std::min<std::size_t>(8, size - i));
    }
    return bytes;
}

std::string chunked(const std::string& body, std::size_t chunk) {
    std::string out;
    for (std::size_t at = 0; at < body.size(); at += chunk) {
        const std::string piece = body.substr(at, chunk);
        out += fmt::format("{:x}\r\n", piece.size()) + piece + "\r\n";
    }
    return out + "0\r\n\r\n";
}

// The body of a chunked response as a client reads it; the part before a cut.
std::string unchunked(std::string_view text) {
    std::string body;
    while (!text.empty()) {
        const std::size_t end = text.find("\r\n");
        const std::size_t size = std::stoul(std::string(text.substr(0, end)), nullptr, 16);
        if (size == 0) {
            return body;
        }
        body += text.substr(end + 2, size);
        text.remove_prefix(std::min(end + 2 + size + 2, text.size()));
    }
    return body;
}

std::string body_of(const std::string& response) {
    return response.substr(response.find("\r\n\r\n") + 4);
}

// Sends bytes in random pieces with small pauses, so that boundaries fall everywhere.
void dribble(Peer& peer, std::string_view bytes, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    while (!bytes.empty()) {
        const std::size_t size =
            std::min<std::size_t>(bytes.size(), 1 + random() % (std::size_t{1} << (random() % 18)));
        peer.send(bytes.substr(0, size));
        bytes.remove_prefix(size);
        if (random() % 8 == 0) {
            std::this_thread::yield();
        }
    }
}

// Every test runs with each method.
class Mover : public RingTest, public ::testing::WithParamInterface<bool> {
protected:
    static void choose(Snapshot& snapshot) { snapshot.zero_copy = GetParam(); }
};

TEST_P(Mover, DeliversAResponseWithALength) {
    const std::string body = noise(5'000'001);
    Origin origin([&](Peer& peer) {
        peer.read_until("\r\n\r\n");
        dribble(peer, "HTTP/1.1 200 OK\r\nContent-Length: 5000001\r\n\r\n" + body, 7);
        peer.read_all();
    });
    Gate gate({origin.address()}, Mode::http, choose);
    const std::string response = gate.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(body_of(response) == body);
    gate.end_log();
    EXPECT_THAT(gate.log(), HasSubstr(GetParam() ? R"("mover":"splice")" : R"("mover":"copy")"));
}

TEST_P(Mover, DeliversAChunkedResponseWithLargeChunks) {
    const std::string body = noise(3'000'000);
    Origin origin([&](Peer& peer) {
        while (!peer.read_until("\r\n\r\n").empty()) {
            dribble(peer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body, 100'000), 8);
        }
    });
    Gate gate({origin.address()}, Mode::http, choose);
    const std::string response = gate.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(unchunked(body_of(response)) == body);
    const std::string old = gate.ask("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(body_of(old) == body);
}

TEST_P(Mover, DeliversAResponseThatEndsWithItsConnection) {
    const std::string body = noise(3'000'000);
    Origin origin([&](Peer& peer) {
        peer.read_until("\r\n\r\n");
        dribble(peer, "HTTP/1.1 200 OK\r\n\r\n" + body, 9);
        peer.end();
        peer.read_all();
    });
    Gate gate({origin.address()}, Mode::http, choose);
    EXPECT_TRUE(body_of(gate.ask("GET / HTTP/1.0\r\nHost: a\r\n\r\n")) == body);
    EXPECT_TRUE(unchunked(body_of(gate.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))) == body);
}

TEST_P(Mover, DeliversUploadsAndKeepsTheConnections) {
    const std::string body = noise(1'000'003);
    Origin origin([&](Peer& peer) {
        for (std::string head = peer.read_until("\r\n\r\n"); !head.empty(); head = peer.read_until("\r\n\r\n")) {
            const bool whole = head.find("Content-Length") != std::string::npos
                                   ? peer.read_bytes(body.size()) == body
                                   : unchunked(peer.read_until("\r\n0\r\n\r\n")) == body;
            peer.send(whole ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                            : "HTTP/1.1 500 Bad\r\nContent-Length: 0\r\n\r\n");
        }
    });
    Gate gate({origin.address()}, Mode::http, choose);
    Peer client = gate.client();
    for (int round = 0; round < 4; ++round) {
        const bool chunks = round % 2 == 1;
        client.send(chunks ? "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                           : "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000003\r\n\r\n");
        dribble(client, chunks ? chunked(body, 70'001) : body, static_cast<std::uint64_t>(round));
        EXPECT_THAT(client.read_until("\r\n\r\nok"), StartsWith("HTTP/1.1 200"));
    }
    EXPECT_EQ(origin.connections(), 1);
}

TEST_P(Mover, RelaysBulkBothWaysAndPassesOnTheEnds) {
    const std::string up = noise(3'000'000, 3);
    const std::string down = noise(4'000'000, 4);
    Origin origin([&](Peer& peer) {
        std::thread sender([&] {
            dribble(peer, down, 5);
            peer.end();
        });
        EXPECT_TRUE(peer.read_all() == up);
        sender.join();
    });
    Gate gate({origin.address()}, Mode::tcp, choose);
    Peer client = gate.client();
    std::thread sender([&] {
        dribble(client, up, 6);
        client.end();
    });
    EXPECT_TRUE(client.read_all() == down);
    sender.join();
    gate.server().drain(Milliseconds(5000));  // some of the client's bytes may not have arrived yet
    gate.end_log();
    EXPECT_THAT(gate.log(), HasSubstr(GetParam() ? R"("mover":"splice")" : R"("mover":"copy")"));
}

// A send towards the client may meet the RST first, and then only the send reports it.
TEST_P(Mover, PassesOnAResetThatMeetsASendOnItsWay) {
    std::atomic<int> mistaken = 0;
    Origin origin([&](Peer& peer) {
        peer.read_bytes(8);
        const bool told = ::send(peer.fd(), "hi", 2, MSG_NOSIGNAL) < 0;  // the same may happen to us
        mistaken += peer.read_all().ends_with("<reset>") || told ? 0 : 1;
    });
    Gate gate({origin.address()}, Mode::tcp, choose);
    const std::string bulk = noise(40'000);
    for (int round = 0; round < 200; ++round) {
        Peer client = gate.client();
        client.send(bulk.substr(0, 8));
        client.send(bulk);
        client.reset();
    }
    EXPECT_TRUE(gate.becomes_idle());
    EXPECT_EQ(mistaken, 0);
}

// How a server breaks off, and its body's framing.
struct Break {
    bool reset;
    bool chunked;
};

// A visitor that reads slowly: most of the server's bytes are still in the kernel when it breaks off.
std::string read_slowly(Peer& client) {
    std::string got;
    for (std::string piece = "."; !piece.empty(); got += piece) {
        piece = client.read_bytes(64 * 1024);
        ::usleep(500);
    }
    return got + client.read_all();
}

TEST_P(Mover, WhatAServerHadSentBeforeItBrokeOffReachesTheVisitor) {
    const std::string half = noise(3'000'000);
    for (const Break how : {Break{false, false}, Break{true, false}, Break{false, true}, Break{true, true}}) {
        Origin origin([&](Peer& peer) {
            peer.read_until("\r\n\r\n");
            peer.send(how.chunked ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5B8D80\r\n"
                                  : "HTTP/1.1 200 OK\r\nContent-Length: 6000000\r\n\r\n");
            peer.send(half);
            for (int left = 1; how.reset && left > 0; ::usleep(1'000)) {
                ::ioctl(peer.fd(), SIOCOUTQ, &left);  // a reset discards what the proxy's kernel does not have yet
            }
            how.reset ? peer.reset() : peer.end();
        });
        Gate gate({origin.address()}, Mode::http, choose);
        Peer client = gate.client();
        client.send(get);
        const std::string response = read_slowly(client);
        EXPECT_THAT(response.substr(0, 20), StartsWith("HTTP/1.1 200"));
        std::string body = body_of(response);
        if (how.chunked) {
            EXPECT_FALSE(body.ends_with("0\r\n\r\n")) << "it can be seen that it is cut";
            body = unchunked(body);
        }
        EXPECT_EQ(body.size(), half.size()) << "reset: " << how.reset << ", chunked: " << how.chunked;
        EXPECT_TRUE(body == half);
    }
}

// Where only the connection's end ends a body, a FIN would make it look whole.
TEST_P(Mover, ABodyThatOnlyTheEndEndsIsCutByAReset) {
    Origin origin([](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5B8D80\r\n" + noise(1'000'000));
    });
    Gate gate({origin.address()}, Mode::http, choose);
    EXPECT_TRUE(gate.ask("GET / HTTP/1.0\r\n\r\n").ends_with("<reset>"));
}

TEST_P(Mover, GivesUpAReaderThatTakesNothing) {
    Origin origin([](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 90000000\r\n\r\n" + noise(90'000'000));
        peer.read_all();
    });
    Gate gate({origin.address()}, Mode::http, [](Snapshot& snapshot) {
        choose(snapshot);
        snapshot.timeouts.client = Milliseconds(100);
    });
    Peer client = gate.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    client.read_until("\r\n\r\n");
    EXPECT_TRUE(gate.becomes_idle());
}

TEST_P(Mover, MovesManyBodiesOfRandomSizesUnaltered) {
    Origin origin([](Peer& peer) {
        for (std::string head = peer.read_until("\r\n\r\n"); !head.empty(); head = peer.read_until("\r\n\r\n")) {
            const auto size = std::stoul(head.substr(head.find('/') + 1));
            const std::string body = noise(size, size);
            if (size % 2 == 0) {
                dribble(peer, fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", size) + body, size);
            } else {
                dribble(peer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body, 1 + size / 3),
                        size);
            }
        }
    });
    Gate gate({origin.address()}, Mode::http, choose);
    Peer client = gate.client();
    std::mt19937_64 random(11);
    for (int i = 0; i < 150; ++i) {
        const std::size_t size = 1 + random() % (std::size_t{1} << (random() % 20));
        client.send(fmt::format("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", size));
        const std::string head = client.read_until("\r\n\r\n");
        ASSERT_THAT(head, StartsWith("HTTP/1.1 200"));
        const std::string body =
            size % 2 == 0 ? client.read_bytes(size) : unchunked(client.read_until("\r\n0\r\n\r\n"));
        ASSERT_TRUE(body == noise(size, size)) << size;
    }
    EXPECT_EQ(origin.connections(), 1);
}

INSTANTIATE_TEST_SUITE_P(Both, Mover, ::testing::Bool(),
                         [](const auto& param) { return param.param ? "Splice" : "Copy"; });

}  // namespace
}  // namespace core::proxy::testing

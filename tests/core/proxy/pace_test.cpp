// Slow bodies: how much time a client may take. Pace with a clock of the test's own, and through a real worker, copied
// and spliced.
#include "core/proxy/transfer/pace.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr Milliseconds patience{60'000};

// A client that sends bytes after each wait. It records how long its waits could have lasted, each before the last
// one's end.
class Client {
public:
    explicit Client(std::uint32_t least) : pace_(BodyRate{least, Milliseconds(20'000)}) {}

    // Waits, and returns how long it might have waited.
    Milliseconds wait(io::Tick ticks) {
        const Milliseconds allowed = pace_.begin_wait(now_, patience);
        now_ += ticks;
        pace_.end_wait(now_);
        return allowed;
    }
    void bring(std::uint64_t bytes) { pace_.received(bytes); }

private:
    Pace pace_;
    io::Tick now_ = 1;
};

TEST(Pace, LetsAClientBeAsSlowAsTheRateForEver) {
    Client client(500);
    client.bring(1);
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(client.wait(1000), Milliseconds(20'000)) << i;
        client.bring(500);
    }
}

TEST(Pace, EndsAClientThatIsSlowerThanTheRateWhenItsCreditIsSpent) {
    Client client(500);
    client.bring(1);
    for (int second = 0; second < 39; ++second) {
        EXPECT_EQ(client.wait(1000), Milliseconds(20'000 - 500 * second));
        client.bring(250);
    }
    EXPECT_EQ(client.wait(1000), Milliseconds(500));
}

TEST(Pace, GivesNoMoreCreditForABurstThanForANewClient) {
    Client client(500);
    client.bring(std::uint64_t{1} << 62);
    EXPECT_EQ(client.wait(1), Milliseconds(20'000));
}

TEST(Pace, LeavesTheWaitForTheFirstByteToThePatience) {
    Client client(500);
    EXPECT_EQ(client.wait(30'000), patience);
    EXPECT_EQ(client.wait(1), patience);
}

TEST(Pace, OfNoughtLetsAClientBeAsSlowAsItsPatience) {
    Client client(0);
    client.bring(1);
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(client.wait(59'000), patience);
        client.bring(1);
    }
}

TEST(Pace, NeverAsksForALongerWaitThanThePatience) {
    Pace pace(BodyRate{500, Milliseconds(20'000)});
    pace.received(1);
    EXPECT_EQ(pace.begin_wait(1, Milliseconds(100)), Milliseconds(100));
}

class SlowBodies : public RingTest, public ::testing::WithParamInterface<bool> {
protected:
    // Sends a byte whenever no answer has come for a moment, as slow-body attacks do. Returns the final answer.
    static std::string dribble(Peer& client) {
        pollfd readable{client.fd(), POLLIN, 0};
        for (int sent = 0; sent < 1000 && ::poll(&readable, 1, 5) == 0; ++sent) {
            client.send("x");
        }
        return client.read_all();
    }
    static void choose(Snapshot& snapshot) { snapshot.zero_copy = GetParam(); }
};

TEST_P(SlowBodies, AreAnsweredWith408ThoughNoSilenceWasLong) {
    Origin origin([](Peer& peer) { peer.read_all(); });
    Gate gate({origin.address()}, Mode::http, [](Snapshot& snapshot) {
        choose(snapshot);
        snapshot.limits.body_rate = {10'000, Milliseconds(200)};
    });
    Peer client = gate.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    const std::string answer = dribble(client);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 408"));
    EXPECT_THAT(answer, HasSubstr("did not go on in time"));
    EXPECT_EQ(gate.server().report().backends[0].failed, 0U);
}

TEST_P(SlowBodies, AreNotWhatABackendMakesSlow) {
    std::promise<void> read_on;
    std::shared_future<void> told = read_on.get_future().share();
    Origin origin([told](Peer& peer) {
        told.wait();
        peer.read_until("end");
        peer.send(ok);
        peer.read_all();
    });
    Gate gate({origin.address()}, Mode::http, [](Snapshot& snapshot) {
        choose(snapshot);
        snapshot.limits.body_rate = {1'000, Milliseconds(1'000)};
    });
    Peer client = gate.client();
    // More than all socket buffers on the way hold, so that the client mostly waits for the backend.
    const std::string body = std::string(16 << 20, 'x') + "end";
    std::thread sender([&] {
        client.send("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: " +
                    std::to_string(body.size()) + "\r\n\r\n");
        client.send(body);
    });
    pollfd answered{client.fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&answered, 1, 1'500), 0) << "answered while the backend took nothing";
    read_on.set_value();
    sender.join();
    EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 200"));
}

// A line of a log now and then: slower than any rate, but not silent.
TEST_P(SlowBodies, AreServedWhereNoRateIsSet) {
    std::string body;
    Origin origin([&](Peer& peer) {
        peer.read_until("\r\n\r\n");
        body = peer.read_until("0\r\n\r\n");
        peer.send(ok);
        peer.read_all();
    });
    Gate gate({origin.address()}, Mode::http, [](Snapshot& snapshot) {
        choose(snapshot);
        snapshot.limits.body_rate.credit = Milliseconds(20);
    });
    Peer client = gate.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int line = 0; line < 5; ++line) {
        client.send("1\r\nx\r\n");
        ::usleep(100'000);
    }
    client.send("0\r\n\r\n");
    EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 200"));
}

// One byte or none, and then silence: the rate counts then too.
TEST_P(SlowBodies, AreAnsweredWith408InASilenceToo) {
    Origin origin([](Peer& peer) { peer.read_all(); });
    Gate gate({origin.address()}, Mode::http, [](Snapshot& snapshot) {
        choose(snapshot);
        snapshot.limits.body_rate = {1'000, Milliseconds(100)};
    });
    for (const char* begin : {"", "x"}) {
        Peer client = gate.client();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
        client.send(begin);
        EXPECT_THAT(client.read_until("</p>"), StartsWith("HTTP/1.1 408"));
    }
}

constexpr std::size_t long_answer = 20'000'000;  // longer than the buffers of the kernels on the way

class SlowReaders : public SlowBodies {
protected:
    Origin origin_{[](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(long_answer) + "\r\n\r\n");
        peer.send(std::string(long_answer, 'x'));
        peer.read_all();
    }};
    static auto with_rate(std::uint32_t least, Milliseconds credit) {
        return [least, credit](Snapshot& snapshot) {
            choose(snapshot);
            snapshot.limits.answer_rate = {least, credit};
        };
    }
    static bool idle_soon(Gate& gate, int seconds) {
        for (int i = 0; i < seconds * 100 && gate.server().report().backends[0].active > 0; ++i) {
            ::usleep(10'000);
        }
        return gate.server().report().backends[0].active == 0;
    }
};

TEST_P(SlowReaders, AreResetWhereTheyTakeLessThanTheRate) {
    Gate gate({origin_.address()}, Mode::http, with_rate(1'000, Milliseconds(200)));
    Peer client = gate.client();
    client.send(get);
    EXPECT_THAT(client.read_bytes(100), StartsWith("HTTP/1.1 200"));
    EXPECT_TRUE(idle_soon(gate, 20)) << "its server is not held any longer";
    EXPECT_EQ(gate.server().report().backends[0].failed, 0U);
    EXPECT_THAT(client.read_all(), ::testing::EndsWith("<reset>"));
    gate.end_log();
    EXPECT_THAT(gate.log(), HasSubstr("the client took its answer too slowly"));
}

TEST_P(SlowReaders, AreServedWhereTheyKeepToTheRateAndWhereThereIsNone) {
    for (const std::uint32_t least : {1'000U, 0U}) {
        Gate gate({origin_.address()}, Mode::http, with_rate(least, Milliseconds(least == 0 ? 1 : 2'000)));
        Peer client = gate.client();
        client.send(get_close);
        std::size_t got = 0;
        for (std::string piece = "."; !piece.empty(); ::usleep(least == 0 ? 1'000 : 50'000)) {  // for two looks
            piece = client.read_bytes(250'000);
            got += piece.size();
        }
        EXPECT_GE(got, long_answer);
    }
}

// A server that is silent for longer than the credit gives the client nothing to take.
TEST_P(SlowReaders, AreNotThoseOfASlowServer) {
    Origin origin([](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
        ::usleep(700'000);
        peer.send("cd");
        peer.read_all();
    });
    Gate gate({origin.address()}, Mode::http, with_rate(1'000'000, Milliseconds(200)));
    EXPECT_THAT(gate.ask(get_close), ::testing::EndsWith("abcd"));
}

INSTANTIATE_TEST_SUITE_P(Copied, SlowReaders, ::testing::Values(false));
INSTANTIATE_TEST_SUITE_P(Spliced, SlowReaders, ::testing::Values(true));
INSTANTIATE_TEST_SUITE_P(Copied, SlowBodies, ::testing::Values(false));
INSTANTIATE_TEST_SUITE_P(Spliced, SlowBodies, ::testing::Values(true));

}  // namespace
}  // namespace core::proxy::testing

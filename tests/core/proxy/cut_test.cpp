// Bodies that end with their connection and are cut before that. The client must not take one for whole, and gets all
// that there was.
#include <sys/socket.h>

#include <thread>

#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using Cuts = RingTest;

TEST_F(Cuts, ABodyCutByADeadlineEndsWithReset) {
    Origin origin([](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\n\r\nonly a part");
        peer.read_all();
    });
    Gate gate({origin.address()}, Mode::http, [](Snapshot& s) { s.timeouts.backend = Milliseconds(150); });
    const std::string r = gate.ask("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(r.ends_with("<reset>")) << r;
}

// More than one send takes at once: a reset discards what is in our kernel.
TEST_F(Cuts, ABodyCutByItsServerReachesASlowClientBeforeTheReset) {
    const std::string body(3'000'000, 'x');
    Origin origin([&](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFF\r\n" + body);
    });
    Gate gate({origin.address()});
    Peer client = gate.client();
    client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    client.read_until("\r\n\r\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(300));  // the server has broken off by then
    const std::string rest = client.read_all();
    EXPECT_EQ(rest.size(), body.size() + std::string_view("<reset>").size());
    EXPECT_TRUE(rest.ends_with("x<reset>"));
}

TEST_F(Cuts, AClientThatTakesNothingOfACutBodyIsGivenUp) {
    const std::string body(6'000'000, 'x');
    Origin origin([&](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFF\r\n" + body.substr(0, 200'000));
    });
    Gate gate({origin.address()}, Mode::http, [](Snapshot& s) { s.timeouts.client = Milliseconds(200); });
    Peer client = gate.client();
    const int small = 4096;
    ::setsockopt(client.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(gate.becomes_idle());
}

TEST_F(Cuts, ABodyCutByADrainEndsWithReset) {
    std::promise<void> part;
    Origin origin([&](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\n\r\nonly a part");
        peer.read_all();
    });
    Gate gate({origin.address()});
    Peer client = gate.client();
    client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    client.read_until("only a part");
    gate.server().drain(Milliseconds(50));
    EXPECT_EQ(client.read_all(), "<reset>");
}

}  // namespace
}  // namespace core::proxy::testing

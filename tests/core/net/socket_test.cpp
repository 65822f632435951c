#include "core/net/socket.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>

#include <array>
#include <thread>

#include "tests/core/net/net_test.hpp"

namespace core::net::testing {
namespace {

class SocketTest : public NetTest {};

// A listening socket with a full backlog: the kernel answers no further SYN, so a connect to it hangs.
class FullListener {
public:
    FullListener() : listening_(tests::listen_on_loopback(address_, false, 0)) {
        for (base::Descriptor& waiting : waiting_) {
            waiting = *open_socket(AF_INET);
            sockaddr_storage storage{};
            const socklen_t size = address_.fill(storage);
            ::connect(waiting.get(), reinterpret_cast<sockaddr*>(&storage), size);
        }
    }
    [[nodiscard]] const Address& address() const { return address_; }

private:
    Address address_;
    base::Descriptor listening_;
    std::array<base::Descriptor, 4> waiting_;
};

TEST_F(SocketTest, ReceivesSendsAndSeesTheEnd) {
    std::string into(16, 0);
    int result = -1;
    io::TaskGroup group;
    group.start(send_all(*socket_, "ping", result));
    run(group);
    EXPECT_EQ(result, 4);
    ASSERT_EQ(::recv(peer_.get(), into.data(), into.size(), 0), 4);
    ASSERT_EQ(::write(peer_.get(), "pong!", 5), 5);
    group.start(receive_some(*socket_, into, result));
    run(group);
    EXPECT_EQ(result, 5);
    EXPECT_EQ(into.substr(0, 5), "pong!");
    ::shutdown(peer_.get(), SHUT_WR);
    group.start(receive_some(*socket_, into, result));
    run(group);
    EXPECT_EQ(result, 0);
}

// Fills the kernel's buffers for a peer that does not read.
void fill(int fd) {
    const std::string much(1 << 20, 'x');
    while (::send(fd, much.data(), much.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
}

// io_uring cannot wait for room to send once the peer has sent FIN: EPOLLRDHUP wakes each of its polls.
TEST_F(SocketTest, SendsAllToAPeerThatHasSentFinAndReadsLate) {
    ::fcntl(socket_->fd(), F_SETFL, O_NONBLOCK);
    ::shutdown(peer_.get(), SHUT_WR);
    const std::string head = "head";
    const std::string body(12 << 20, 'b');
    const std::array<std::string_view, 2> pieces{head, body};
    int first = 0;
    int second = 0;
    io::TaskGroup group;
    group.start(send_all(*socket_, body, first));
    for (int i = 0; i < 20; ++i) {
        loop_->run_once(5);
    }
    EXPECT_EQ(first, 0) << "it has ended before any read";
    std::string got;
    std::thread reader([&] {
        std::string piece(100'000, 0);
        for (ssize_t size = 1; size > 0 && got.size() < 2 * body.size() + head.size();) {
            size = ::recv(peer_.get(), piece.data(), piece.size(), 0);
            got.append(piece.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
        }
    });
    run(group);
    group.start(send_all(*socket_, std::span<const std::string_view>(pieces), second));
    run(group);
    socket_->shutdown_send();
    reader.join();
    EXPECT_EQ(first, static_cast<int>(body.size()));
    EXPECT_EQ(second, static_cast<int>(head.size() + body.size()));
    EXPECT_TRUE(got == body + head + body);
}

TEST_F(SocketTest, WaitsForRoomToSendToAPeerThatHasSentFin) {
    ::fcntl(socket_->fd(), F_SETFL, O_NONBLOCK);
    ::shutdown(peer_.get(), SHUT_WR);
    fill(socket_->fd());
    int result = 0;
    io::TaskGroup group;
    group.start(await_room(*socket_, result));
    for (int i = 0; i < 20; ++i) {
        loop_->run_once(5);
    }
    EXPECT_EQ(result, 0) << "there is no room yet";
    std::thread reader([&] { end_of(peer_.get()); });
    run(group);
    EXPECT_NE(result & POLLOUT, 0);
    socket_->shutdown_send();
    reader.join();
}

TEST_F(SocketTest, AbortEndsASendThatWaitsForAPeerThatHasSentFin) {
    ::fcntl(socket_->fd(), F_SETFL, O_NONBLOCK);
    ::shutdown(peer_.get(), SHUT_WR);
    fill(socket_->fd());
    int result = 0;
    io::TaskGroup group;
    group.start(send_all(*socket_, "more", result));
    for (int i = 0; i < 20; ++i) {
        loop_->run_once(5);
    }
    socket_->abort();
    run(group);
    EXPECT_LT(result, 0);
}

TEST_F(SocketTest, SendsPiecesInOrder) {
    const std::array<std::string_view, 3> pieces{"one ", "two ", "three"};
    int result = 0;
    io::TaskGroup group;
    group.start(send_all(*socket_, pieces, result));
    run(group);
    EXPECT_EQ(result, 13);
    std::string got(13, 0);
    ASSERT_EQ(::recv(peer_.get(), got.data(), got.size(), MSG_WAITALL), 13);
    EXPECT_EQ(got, "one two three");
}

TEST_F(SocketTest, ConnectsOverIpv4AndIpv6) {
    for (const bool v6 : {false, true}) {
        Address address;
        const base::Descriptor listening = tests::listen_on_loopback(address, v6);
        Socket socket(*loop_, *open_socket(address.family()));
        int result = -1;
        io::TaskGroup group;
        group.start(connect(socket, address, result));
        run(group);
        EXPECT_EQ(result, 0);
        EXPECT_EQ(peer_of(socket.fd()), address);
    }
}

TEST_F(SocketTest, SaysThatAConnectWasRefused) {
    Address nobody;
    tests::listen_on_loopback(nobody).reset();
    Socket socket(*loop_, *open_socket(AF_INET));
    int result = 0;
    io::TaskGroup group;
    group.start(connect(socket, nobody, result));
    run(group);
    EXPECT_EQ(result, -ECONNREFUSED);
}

TEST_F(SocketTest, AbortEndsAConnectThatHangs) {
    const FullListener full;
    Socket socket(*loop_, *open_socket(AF_INET));
    int result = 0;
    io::TaskGroup group;
    group.start(connect(socket, full.address(), result));
    loop_->run_once(1);
    ASSERT_FALSE(group.empty());
    socket.abort();
    run(group);
    EXPECT_LT(result, 0);
    EXPECT_EQ(peer_of(socket.fd()), Address()) << "it must not connect behind our back";
}

TEST_F(SocketTest, AbortEndsWhatIsOutBothWaysAndWhatComesLater) {
    const std::string much(16 << 20, 'x');
    std::string into(16, 0);
    int received = 1;
    int sent = 1;
    io::TaskGroup group;
    group.start(receive_some(*socket_, into, received));
    group.start(send_all(*socket_, much, sent));
    loop_->run_once(1);
    ASSERT_EQ(group.size(), 2U);
    socket_->abort();
    EXPECT_TRUE(socket_->aborted());
    run(group);
    EXPECT_LE(received, 0);
    EXPECT_LT(sent, static_cast<int>(much.size()));
    group.start(send_all(*socket_, "late", sent));
    group.start(receive_some(*socket_, into, received));
    run(group);
    EXPECT_LT(sent, 0);
    EXPECT_LE(received, 0);
}

TEST_F(SocketTest, AbortEndsAReceiveIntoALease) {
    io::Lease lease;
    int result = 1;
    io::TaskGroup group;
    group.start(receive_leased(*socket_, lease, result));
    loop_->run_once(1);
    socket_->abort();
    run(group);
    EXPECT_LE(result, 0);
    EXPECT_FALSE(lease.valid());
    EXPECT_EQ(loop_->buffers().on_loan(), 0U);
}

TEST_F(SocketTest, AbortSendsFinAndKeepsTheDescriptor) {
    const int fd = socket_->fd();
    socket_->abort();
    socket_->abort();
    EXPECT_EQ(end_of(peer_.get()), "");
    EXPECT_GE(::fcntl(fd, F_GETFD), 0) << "its number could be reused";
    socket_.reset();
    EXPECT_LT(::fcntl(fd, F_GETFD), 0);
}

TEST_F(SocketTest, ResetSendsRstAtOnceAndEndsWhatIsOut) {
    std::string into(16, 0);
    int result = 1;
    io::TaskGroup group;
    group.start(receive_some(*socket_, into, result));
    loop_->run_once(1);
    socket_->reset();
    EXPECT_TRUE(socket_->aborted());
    EXPECT_EQ(end_of(peer_.get()), "ECONNRESET");
    run(group);
    EXPECT_LE(result, 0);
}

TEST_F(SocketTest, ResetAfterAHalfCloseStillShowsThePeerThatItIsBroken) {
    socket_->shutdown_send();
    EXPECT_EQ(end_of(peer_.get()), "");
    socket_->reset();
    pollfd waiting{peer_.get(), 0, 0};
    ASSERT_EQ(::poll(&waiting, 1, 5000), 1);
    EXPECT_NE(waiting.revents & POLLERR, 0);
}

TEST_F(SocketTest, CancelReceiveEndsOnlyTheReceive) {
    std::string into(16, 0);
    int received = 0;
    int sent = 0;
    io::TaskGroup group;
    group.start(receive_some(*socket_, into, received));
    loop_->run_once(1);
    socket_->cancel_receive();
    run(group);
    EXPECT_EQ(received, -ECANCELED);
    EXPECT_FALSE(socket_->aborted());
    group.start(send_all(*socket_, "still here", sent));
    run(group);
    EXPECT_EQ(sent, 10);
    ASSERT_EQ(::write(peer_.get(), "so am I", 7), 7);
    group.start(receive_some(*socket_, into, received));
    run(group);
    EXPECT_EQ(received, 7);
}

TEST_F(SocketTest, CancelReceiveWithoutOneOutDoesNothing) {
    std::string into(16, 0);
    int received = 0;
    socket_->cancel_receive();
    ASSERT_EQ(::write(peer_.get(), "x", 1), 1);
    io::TaskGroup group;
    group.start(receive_some(*socket_, into, received));
    run(group);
    EXPECT_EQ(received, 1);
}

TEST_F(SocketTest, ShutdownSendLeavesReceivingOpen) {
    std::string into(16, 0);
    int received = 0;
    socket_->shutdown_send();
    EXPECT_EQ(end_of(peer_.get()), "");
    ASSERT_EQ(::write(peer_.get(), "late", 4), 4);
    io::TaskGroup group;
    group.start(receive_some(*socket_, into, received));
    run(group);
    EXPECT_EQ(received, 4);
}

TEST_F(SocketTest, KnowsAResetFromAnEndThoughASendHasTakenTheError) {
    const linger at_once{1, 0};
    ::setsockopt(peer_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    peer_.reset();
    EXPECT_EQ(::send(socket_->fd(), "x", 1, MSG_NOSIGNAL), -1);
    EXPECT_EQ(errno, ECONNRESET);
    char byte = 0;
    EXPECT_EQ(::recv(socket_->fd(), &byte, 1, 0), 0);
    EXPECT_TRUE(socket_->broken_off());
}

TEST_F(SocketTest, DoesNotTakeAnOrderlyEndForAReset) {
    ::shutdown(peer_.get(), SHUT_WR);
    char byte = 0;
    EXPECT_EQ(::recv(socket_->fd(), &byte, 1, 0), 0);
    EXPECT_FALSE(socket_->broken_off());
    socket_->shutdown_send();
    EXPECT_EQ(::recv(peer_.get(), &byte, 1, 0), 0);
    EXPECT_FALSE(socket_->broken_off());
}

TEST_F(SocketTest, IsQuietOnlyWhileThePeerIsSilentAndOpen) {
    EXPECT_TRUE(socket_->quiet());
    ASSERT_EQ(::write(peer_.get(), "x", 1), 1);
    ASSERT_TRUE(readable(socket_->fd()));
    EXPECT_FALSE(socket_->quiet());
    char byte = 0;
    EXPECT_EQ(::recv(socket_->fd(), &byte, 1, 0), 1) << "asking must not eat what is there";
    EXPECT_TRUE(socket_->quiet());
    ::shutdown(peer_.get(), SHUT_WR);
    ASSERT_TRUE(readable(socket_->fd()));
    EXPECT_FALSE(socket_->quiet());
}

TEST_F(SocketTest, IsNotQuietAfterAReset) {
    const linger now{1, 0};
    ::setsockopt(peer_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    peer_.reset();
    ASSERT_TRUE(readable(socket_->fd()));
    EXPECT_FALSE(socket_->quiet());
}

TEST_F(SocketTest, CanBeUsedAgainAfterDisconnect) {
    Address address;
    const base::Descriptor listening = tests::listen_on_loopback(address);
    const base::Descriptor fd = *open_socket(AF_INET);
    for (int i = 0; i < 3; ++i) {
        Socket borrowed(*loop_, base::Descriptor(fd.get()));
        int result = -1;
        io::TaskGroup group;
        group.start(connect(borrowed, address, result));
        run(group);
        EXPECT_EQ(result, 0);
        const base::Descriptor other(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
        disconnect(fd.get());
        EXPECT_EQ(end_of(other.get()), "ECONNRESET");
        EXPECT_EQ(peer_of(fd.get()), Address());
        static_cast<void>(borrowed.release().release());
    }
}

TEST_F(SocketTest, OpensNonBlockingWithoutNagleAndClosedOnExec) {
    const base::Descriptor fd = *open_socket(AF_INET6);
    int on = 0;
    socklen_t size = sizeof on;
    ::getsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, &size);
    EXPECT_EQ(on, 1);
    EXPECT_NE(::fcntl(fd.get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(SocketTest, KnowsWhetherItsPeerIsThereHasFinishedOrIsGone) {
    const auto comes_to = [this](Socket::Peer wanted) {
        for (int tries = 0; tries < 5'000 && socket_->peer() != wanted; ++tries) {
            ::usleep(1'000);
        }
        return socket_->peer() == wanted;
    };
    EXPECT_EQ(socket_->peer(), Socket::Peer::there);
    ASSERT_EQ(::write(peer_.get(), "unread", 6), 6);
    ::shutdown(peer_.get(), SHUT_WR);
    EXPECT_TRUE(comes_to(Socket::Peer::finished)) << "behind what is not received yet too";
    disconnect(peer_.get());
    EXPECT_TRUE(comes_to(Socket::Peer::gone));
}

TEST_F(SocketTest, TellsAShortageOfOurOwnFromWhatAPeerHasDone) {
    for (const int ours : {EADDRNOTAVAIL, EMFILE, ENFILE, ENOMEM, ENOBUFS}) {
        EXPECT_TRUE(is_shortage(ours)) << ours;
    }
    for (const int theirs : {0, ECONNREFUSED, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, EACCES, ECANCELED}) {
        EXPECT_FALSE(is_shortage(theirs)) << theirs;
    }
}

TEST_F(SocketTest, SaysWhyNoneCanBeOpened) {
    const auto refused = open_socket(12'345);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().os_error, EAFNOSUPPORT);
}

TEST_F(SocketTest, LetsItsDescriptorGo) {
    base::Descriptor fd = socket_->release();
    socket_.reset();
    EXPECT_TRUE(fd.valid());
    EXPECT_EQ(::write(fd.get(), "x", 1), 1);
}

}  // namespace
}  // namespace core::net::testing

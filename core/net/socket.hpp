// Socket: a TCP socket on a loop. Makes operations to await, one for each direction at a time. abort() ends them all.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "core/base/address.hpp"
#include "core/base/descriptor.hpp"
#include "core/io/operation.hpp"

namespace core::net {

class Socket {
public:
    Socket(io::Loop& loop, base::Descriptor fd) noexcept : loop_(loop), fd_(std::move(fd)) {}
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    // No operation may be running.
    ~Socket();

    // Results of all operations: bytes (0 on connect) or a negative errno; -ECANCELED after abort().
    io::Receive receive(std::span<char> into) { return {loop_, in_, fd_.get(), into}; }
    // out is valid where the result is positive; 0: the peer has ended its side.
    io::ReceiveLease receive(io::Lease& out, io::Data data = io::Data::now) {
        return {loop_, in_, fd_.get(), out, data};
    }
    // The same, begun now and awaited later. Must be gone, or abandoned, before the Socket is destroyed.
    std::unique_ptr<io::ReceiveAhead> receive_ahead() {
        return std::make_unique<io::ReceiveAhead>(loop_, in_, fd_.get());
    }
    // Sends all of bytes, or fails.
    io::Send send(std::string_view bytes) { return {loop_, out_, fd_.get(), bytes}; }
    io::SendPieces send(std::span<const std::string_view> pieces) { return {loop_, out_, fd_.get(), pieces}; }
    io::Connect connect(const Address& to);
    // Waits until there is something to receive, or the end; or until there is room to send.
    io::Poll readable();
    io::Poll writable();

    // Ends the socket for good: running operations return at once, later ones fail. The descriptor stays open until the
    // Socket is destroyed, so that its number is not reused before.
    void abort();
    // The same, but sends RST at once where abort() sends FIN: the peer must not take a part for the whole.
    void reset();
    [[nodiscard]] bool aborted() const noexcept { return aborted_; }
    // Ends only the running receive, with -ECANCELED. The socket stays usable.
    void cancel_receive();
    // Sends FIN; receiving goes on.
    void shutdown_send();
    // Call it where a receive has found the end. True where that end was RST and not FIN. The kernel reports an error
    // once, to the first operation; after a send has got it, a receive sees a mere end. Always false after
    // shutdown_send(), when RST cannot be told from the orderly end of both sides. But then no send is left that could
    // have got the error.
    [[nodiscard]] bool broken_off() const noexcept;
    // The state of the peer's side, from the kernel. Bytes still to receive came before it.
    enum class Peer : std::uint8_t {
        there,
        finished,  // it has sent FIN, and may still receive
        gone,      // reset
    };
    [[nodiscard]] Peer peer() const noexcept;
    // Progress of what was sent: bytes acknowledged by the peer's kernel since the connection was made, and bytes that
    // still wait in ours.
    struct Progress {
        std::uint64_t taken = 0;
        std::uint64_t waiting = 0;
    };
    [[nodiscard]] Progress progress() const noexcept;
    // True where an idle connection has nothing to read: not ended, not reset, no unasked-for bytes.
    [[nodiscard]] bool quiet() const;

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] io::Loop& loop() noexcept { return loop_; }
    // Gives up the descriptor; no operation may be running.
    [[nodiscard]] base::Descriptor release();

private:
    void cancel_all();

    io::Loop& loop_;
    base::Descriptor fd_;
    io::OperationSlot in_;
    io::OperationSlot out_;
    bool aborted_ = false;
    bool finished_ = false;  // we have sent FIN
};

// Dissolves the connection of a TCP socket, with RST where it was open. The socket and its options can be used again
// (connect(2), "AF_UNSPEC").
void disconnect(int fd) noexcept;

// Call it before closing a TCP socket on which nothing more is to come. The side that closes first keeps the port in
// TIME_WAIT for a minute (RFC 9293, 3.5). A client of few servers would run out of ports.
// 1. The peer has closed: nothing is needed.
// 2. The peer has not acknowledged all that was sent: nothing is done, because a reset would discard the rest.
// 3. Otherwise the connection is dissolved.
void free_port(int fd) noexcept;

// Switches on TCP keep-alive: the first probe after a silent minute, then every 10 s, and a reset after the third
// unanswered one. A minute, because NAT and firewalls forget a silent connection after some minutes (RFC 5382, 5: two
// hours; many take five minutes).
void keep_alive(int fd) noexcept;

// Whether a call failed with this errno because this machine lacks something (ports, descriptors, memory). Then it says
// nothing about the peer.
[[nodiscard]] bool is_shortage(int error) noexcept;

// A non-blocking TCP socket with TCP_NODELAY. Errors: no descriptors left, and the like.
Result<base::Descriptor> open_socket(int family);

// Binds the next connection of fd to the source address. The port is chosen on connect, free towards that peer
// (IP_BIND_ADDRESS_NO_PORT). May be called again after that connection was dissolved. 0, or a negative errno:
// EADDRNOTAVAIL where source is no address of this machine.
int bind_source(int fd, const Address& source) noexcept;

// Of the sources of family, the next one in turn; null where there is none.
const Address* source_of(std::span<const Address> sources, int family, std::size_t turn) noexcept;

// The socket's own address, or 0.0.0.0:0 where there is none any more.
Address local_of(int fd) noexcept;

// The peer's address, or 0.0.0.0:0 where there is none any more.
Address peer_of(int fd) noexcept;

}  // namespace core::net

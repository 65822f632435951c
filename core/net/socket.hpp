// Socket: a TCP socket on a loop. Gives out operations to await, one each way at a time, and ends them all on abort.
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
    // No operation may be out.
    ~Socket();

    // Results of all operations: bytes (0 on connect) or a negative errno; -ECANCELED after abort().
    io::Receive receive(std::span<char> into) { return {loop_, in_, fd_.get(), into}; }
    // out is valid where the result is positive; 0: the peer has ended its side.
    io::ReceiveLease receive(io::Lease& out, io::Data data = io::Data::now) {
        return {loop_, in_, fd_.get(), out, data};
    }
    // The same, begun now and awaited later. Must be gone, or abandoned, before the Socket is.
    std::unique_ptr<io::ReceiveAhead> receive_ahead() {
        return std::make_unique<io::ReceiveAhead>(loop_, in_, fd_.get());
    }
    // Sends all of bytes, or fails.
    io::Send send(std::string_view bytes) { return {loop_, out_, fd_.get(), bytes}; }
    io::SendPieces send(std::span<const std::string_view> pieces) { return {loop_, out_, fd_.get(), pieces}; }
    io::Connect connect(const Address& to);
    // Waits until there is something to receive (or the end), or room to send.
    io::Poll readable();
    io::Poll writable();

    // Ends the socket for good: pending operations come back at once, later ones fail. The descriptor stays open until
    // the end of the Socket's life, so its number cannot be somebody else's in the meantime.
    void abort();
    // The same, and the peer gets RST at once, where abort() sends FIN: what it got must not look whole.
    void reset();
    [[nodiscard]] bool aborted() const noexcept { return aborted_; }
    // Ends only the receive that is out, with -ECANCELED. The socket lives on.
    void cancel_receive();
    // Sends FIN; receiving goes on.
    void shutdown_send();
    // To be asked where a receive has found the end: true where that was RST and no FIN. The kernel tells an error
    // once, to whichever operation comes first, and where a send has had it the receive after it finds a mere end.
    // Always false after shutdown_send(): the orderly end of both sides cannot be told from RST then, but no send is
    // left either that could have had the error.
    [[nodiscard]] bool broken_off() const noexcept;
    // What the peer's side has come to, asked of the kernel: what is left to receive is in front of it.
    enum class Peer : std::uint8_t {
        there,
        finished,  // it sends nothing more, and may listen still
        gone,      // reset
    };
    [[nodiscard]] Peer peer() const noexcept;
    // How far what was sent has come: bytes that the peer's kernel has taken since the connection was made, and bytes
    // in ours that it has not.
    struct Progress {
        std::uint64_t taken = 0;
        std::uint64_t waiting = 0;
    };
    [[nodiscard]] Progress progress() const noexcept;
    // True where an idle connection has nothing to read: not ended, not reset, no unasked-for bytes.
    [[nodiscard]] bool quiet() const;

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] io::Loop& loop() noexcept { return loop_; }
    // Lets the descriptor go; no operation may be out.
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

// To be called before a TCP socket is closed on which nothing more is to come: whoever closes first keeps the port in
// TIME_WAIT for a minute (RFC 9293, 3.5), and a client of few servers has no port left then. Where that would be us the
// connection is dissolved. Where the peer has closed already nothing is needed. Where it has not acknowledged all that
// was sent nothing is done, because a reset would cut that off.
void free_port(int fd) noexcept;

// Has the kernel ask a peer that is silent for a sign of life: after a minute, then every 10 s, and at the third
// question without an answer the connection is reset. A minute, because NAT and firewalls forget a silent connection
// after some minutes (RFC 5382, 5: two hours; many take five minutes).
void keep_alive(int fd) noexcept;

// Whether a call that failed with this errno did so for want of something of this machine's own (ports, descriptors,
// memory): it says nothing about the peer.
[[nodiscard]] bool is_shortage(int error) noexcept;

// A non-blocking TCP socket with TCP_NODELAY. Error: no descriptors left and the like.
Result<base::Descriptor> open_socket(int family);

// Has the connection that fd makes next leave from source, with a port that is free towards that peer: it is chosen on
// connect (IP_BIND_ADDRESS_NO_PORT). May be called again once that connection was dissolved. 0, or a negative errno:
// EADDRNOTAVAIL where source is no address of this machine's.
int bind_source(int fd, const Address& source) noexcept;

// Of sources those of family in turn; null where there is none.
const Address* source_of(std::span<const Address> sources, int family, std::size_t turn) noexcept;

// The socket's own address, or 0.0.0.0:0 where there is none any more.
Address local_of(int fd) noexcept;

// The peer's address, or 0.0.0.0:0 where there is none any more.
Address peer_of(int fd) noexcept;

}  // namespace core::net

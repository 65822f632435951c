// Inbox: the bytes that have come in on a socket and are not used up yet. Holds a receive buffer only while there are
// any, so an idle session costs none.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "core/io/buffers.hpp"
#include "core/io/task.hpp"
#include "core/net/socket.hpp"

namespace core::proxy {

class Inbox {
public:
    explicit Inbox(net::Socket& socket) noexcept : socket_(socket) {}
    Inbox(const Inbox&) = delete;
    Inbox& operator=(const Inbox&) = delete;
    ~Inbox();

    [[nodiscard]] net::Socket& socket() const noexcept { return socket_; }
    [[nodiscard]] std::string_view view() const noexcept;
    [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
    // True where fill() has no room left: what is in view is as long as a head may be.
    [[nodiscard]] bool full() const noexcept;
    // Uses up the first count bytes; with the last one the buffer goes back.
    void consume(std::size_t count) noexcept;
    // Receives once, behind what is there; moves it to the front of the buffer first where that makes room. Returns
    // bytes added, 0 at the peer's end, or a negative errno. Must not be called when full. Views become invalid. data:
    // whether they are likely to be there already; matters for the cost alone.
    io::Task<int> fill(io::Data data = io::Data::now);

    // Begins to receive while nobody waits for anything, the inbox is empty and the connection idle; the next fill()
    // brings the result.
    void expect() { ahead_ = socket_.receive_ahead(); }
    // After expect(): nothing has come since, no bytes, no end and no error, as of the loop's last wake-up.
    [[nodiscard]] bool quiet() const noexcept { return ahead_ != nullptr && ahead_->quiet(); }

private:
    // The end of a socket that we aborted ourselves is no orderly end, though recv(2) says 0 as well.
    [[nodiscard]] int outcome(int got) const noexcept;

    net::Socket& socket_;
    std::unique_ptr<io::ReceiveAhead> ahead_;
    io::Lease lease_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace core::proxy

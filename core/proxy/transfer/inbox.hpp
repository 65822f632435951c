// Inbox: the bytes that have come in on a socket and are not used up yet. Holds a receive buffer only while there are
// any, so an idle session costs none. Only a head that is longer than a receive buffer, where the configuration allows
// such, gets wider memory for itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "core/io/buffers.hpp"
#include "core/io/task.hpp"
#include "core/net/socket.hpp"

namespace core::proxy {

// How many inboxes of one worker may be wide at a time. What is taken beyond that is refused, so that clients who send
// long heads slowly take no more memory than this.
class WideInboxes {
public:
    static constexpr std::uint32_t most = 1024;

    [[nodiscard]] bool take() noexcept { return count_ < most && ++count_ != 0; }
    void give_back() noexcept { --count_; }
    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }

private:
    std::uint32_t count_ = 0;
};

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
    // Moves what is there into size bytes of memory, where full() then goes by that. False: there are as many wide ones
    // as may be. size: more than what is there; wide outlives the inbox.
    [[nodiscard]] bool widen(WideInboxes& wide, std::size_t size);
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
    [[nodiscard]] std::span<char> room() const noexcept {
        return wide_ != nullptr ? std::span<char>(wide_.get(), wide_size_) : lease_.bytes();
    }
    void release() noexcept;
    // The end of a socket that we aborted ourselves is no orderly end, though recv(2) says 0 as well.
    [[nodiscard]] int outcome(int got) const noexcept;

    net::Socket& socket_;
    std::unique_ptr<io::ReceiveAhead> ahead_;
    io::Lease lease_;
    std::unique_ptr<char[]> wide_;  // in place of the lease
    WideInboxes* wide_home_ = nullptr;
    std::uint32_t wide_size_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace core::proxy

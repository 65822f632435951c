// Inbox: received bytes of a socket that are not consumed yet. It holds a receive buffer only while there are such
// bytes, so an idle session holds none. A head longer than a receive buffer, where the configuration allows it, gets
// memory of its own.
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

// Limits how many inboxes of one worker may be wide at a time. Further ones are refused, so clients that send long
// heads slowly take no more memory than this.
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
    // True where fill() has no room left: the view is as long as a head may be.
    [[nodiscard]] bool full() const noexcept;
    // Moves the content into size bytes of memory; full() uses that size then. False: the limit of wide inboxes is
    // reached. size: more than the content; wide outlives the inbox.
    [[nodiscard]] bool widen(WideInboxes& wide, std::size_t size);
    // Consumes the first count bytes; an empty inbox gives its buffer back.
    void consume(std::size_t count) noexcept;
    // Receives once, behind the content, which moves to the front of the buffer first where that makes room. Returns
    // bytes added, 0 at the peer's end, or a negative errno. Must not be called when full. Views become invalid. data:
    // whether bytes are likely to be there already; only the cost depends on it.
    io::Task<int> fill(io::Data data = io::Data::now);

    // Begins to receive on an idle connection. The inbox must be empty and no fill() awaited; the next fill() returns
    // the result.
    void expect() { ahead_ = socket_.receive_ahead(); }
    // After expect(): nothing has come since, no bytes, no end and no error, as of the loop's last wake-up.
    [[nodiscard]] bool quiet() const noexcept { return ahead_ != nullptr && ahead_->quiet(); }

private:
    [[nodiscard]] std::span<char> room() const noexcept {
        return wide_ != nullptr ? std::span<char>(wide_.get(), wide_size_) : lease_.bytes();
    }
    void release() noexcept;
    // The end after our own abort is no orderly end, though recv(2) returns 0 for both.
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

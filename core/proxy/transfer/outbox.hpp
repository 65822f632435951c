// Outbox: gathers what is to be sent on a socket, so that a head and a small body leave in one system call. Has memory
// only while something is gathered, so a long body on its way costs none.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "core/io/task.hpp"
#include "core/net/deadline.hpp"
#include "core/net/socket.hpp"
#include "core/proxy/stats/report.hpp"
#include "core/proxy/transfer/scratch.hpp"

namespace core::proxy {

class Outbox {
public:
    // Both outlive the outbox; what flush sends is counted in moved, too.
    Outbox(ScratchPool& memory, Moved& moved) noexcept : memory_(memory), moved_(moved) {}

    // Where flush sends to from now on; a receiver that takes nothing for as long as patience is reset by deadline.
    void aim(net::Socket& socket, net::Deadline& deadline, Milliseconds patience) noexcept {
        socket_ = &socket;
        deadline_ = &deadline;
        patience_ = patience;
    }

    // Where the next bytes may be written, left() of them; say how many with wrote().
    [[nodiscard]] std::span<char> room();
    // The same for at least that many. Nothing is pending.
    [[nodiscard]] std::span<char> room(std::size_t least);
    [[nodiscard]] std::size_t left() const noexcept {
        return (scratch_.valid() ? scratch_.bytes().size() : Scratch::usual) - used_;
    }
    void wrote(std::size_t count) noexcept { used_ += count; }
    // Copies bytes in. At most left().
    void append(std::string_view bytes);
    [[nodiscard]] std::string_view pending() const noexcept { return {scratch_.bytes().data(), used_}; }
    void clear() noexcept { used_ = 0; }

    // Sends what is pending, and then also, which is not copied. 0, or a negative errno.
    io::Task<int> flush(std::string_view also = {});
    // What has been flushed stays where it is, to be sent again: clear() and wrote() bring it back. Until let_go().
    void keep() noexcept { kept_ = true; }
    void let_go() noexcept;
    // Counts every byte that flush has sent, and those that somebody else says they have moved past it.
    [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
    void count(std::uint64_t bytes) noexcept { sent_ += bytes; }
    [[nodiscard]] Moved& moved() const noexcept { return moved_; }
    [[nodiscard]] net::Socket& socket() const noexcept { return *socket_; }
    [[nodiscard]] net::Deadline& deadline() const noexcept { return *deadline_; }
    [[nodiscard]] Milliseconds patience() const noexcept { return patience_; }

private:
    ScratchPool& memory_;
    Moved& moved_;
    net::Socket* socket_ = nullptr;
    net::Deadline* deadline_ = nullptr;
    Milliseconds patience_{0};
    Scratch scratch_;
    std::size_t used_ = 0;
    bool kept_ = false;
    std::uint64_t sent_ = 0;
};

}  // namespace core::proxy

// Outbox: gathers bytes for a socket, so that a head and a small body leave in one system call. It holds memory only
// while something is gathered, so a long body costs none.
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
    // Both outlive the outbox. flush also counts its bytes into moved.
    Outbox(ScratchPool& memory, Moved& moved) noexcept : memory_(memory), moved_(moved) {}

    // Sets the receiver. deadline resets it when it takes nothing for as long as patience.
    void aim(net::Socket& socket, net::Deadline& deadline, Milliseconds patience) noexcept {
        socket_ = &socket;
        deadline_ = &deadline;
        patience_ = patience;
    }

    // Room for the next left() bytes; report the number written with wrote().
    [[nodiscard]] std::span<char> room();
    // The same with room for at least that many bytes. Nothing may be pending.
    [[nodiscard]] std::span<char> room(std::size_t least);
    [[nodiscard]] std::size_t left() const noexcept {
        return (scratch_.valid() ? scratch_.bytes().size() : Scratch::usual) - used_;
    }
    void wrote(std::size_t count) noexcept { used_ += count; }
    // Copies bytes in. At most left().
    void append(std::string_view bytes);
    [[nodiscard]] std::string_view pending() const noexcept { return {scratch_.bytes().data(), used_}; }
    void clear() noexcept { used_ = 0; }

    // Sends what is pending and then also, which is not copied. 0, or a negative errno.
    io::Task<int> flush(std::string_view also = {});
    // Keeps what is flushed for sending again, until let_go(): clear() and wrote() bring it back.
    void keep() noexcept { kept_ = true; }
    void let_go() noexcept;
    // Bytes that flush has sent, and bytes that count() reports as moved past the outbox.
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

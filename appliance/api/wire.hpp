// Wire: one accepted connection, plain or TLS, with bounds on the time and the bytes that its peer may take. Never
// blocks for longer than those; used by one thread. The socket is its maker's, and outlives it.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "core/base/result.hpp"

struct ssl_ctx_st;

namespace appliance::api {

class Wire {
public:
    using Clock = std::chrono::steady_clock;

    // Between two reads, and what any write may take on top of its size.
    static constexpr std::chrono::milliseconds step_max{5'000};
    // What a reader must take at least.
    static constexpr std::size_t write_rate = 16'384;  // bytes per second
    // From the connection to the end of its request, the handshake included: head and body together, however they
    // come.
    static constexpr std::chrono::milliseconds request_max{10'000};
    // A head, with room to spare, beside the largest body (server.hpp).
    static constexpr std::size_t head_max = 65'536;

    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;
    virtual ~Wire() = default;

    // Bytes read, 0 at the peer's end, -1 when it took too long, sent too much, or the connection broke.
    ssize_t read(char* bytes, std::size_t size);
    // Writes all of it and returns size, or -1.
    ssize_t write(const char* bytes, std::size_t size);
    // Tells the peer that nothing more comes, and sees to it that it gets what was written.
    virtual void end() = 0;
    // The subject's common name of the certificate that the peer showed and the context trusts; empty: it showed none.
    [[nodiscard]] virtual std::string certificate() const { return {}; }
    [[nodiscard]] int fd() const noexcept { return fd_; }
    // The peer may still send. end() then discards what comes, within bounds: closing earlier would take from the peer
    // the answer that it has not read yet.
    void leave_rest() noexcept { rest_ = true; }
    // A read that failed did so because the request's time was up.
    [[nodiscard]] bool late() const noexcept { return late_; }

protected:
    // What a try came to: bytes, the end (0), or what has to be waited for.
    struct Tried {
        ssize_t bytes = -1;
        short wait = 0;  // POLLIN or POLLOUT: try again after that; 0: it is final
    };
    Wire(int fd, Clock::time_point read_by);

    virtual Tried try_read(char* bytes, std::size_t size) = 0;
    virtual Tried try_write(const char* bytes, std::size_t size) = 0;
    // False when it is too late.
    [[nodiscard]] bool wait_for(short events, Clock::time_point deadline) const;
    // Throws away what the peer still sends, until it closes, a second is over, or it was a mebibyte.
    void linger() const;
    [[nodiscard]] bool rest() const noexcept { return rest_; }

    const int fd_;
    const Clock::time_point read_by_;

private:
    bool late_ = false;
    bool rest_ = false;
    std::size_t left_ = 0;  // bytes that the peer may still send
};

// A connection of this machine. patience: for the whole request.
std::unique_ptr<Wire> make_plain_wire(int fd, std::chrono::milliseconds patience);
// Shakes hands as the server. A peer that sends plain HTTP gets an HTTP answer that says so. Error: why there is no
// TLS.
core::Result<std::unique_ptr<Wire>> make_tls_wire(int fd, std::chrono::milliseconds patience, ssl_ctx_st* context);

}  // namespace appliance::api

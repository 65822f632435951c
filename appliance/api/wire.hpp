// Wire: one accepted connection, plain or TLS, with bounds on the time and the bytes that its peer may take. Never
// blocks for longer than those; used by one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "core/base/descriptor.hpp"
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
    // From the connection to the end of a remote caller's request, the handshake included.
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
    [[nodiscard]] int fd() const noexcept { return socket_.get(); }

protected:
    // What a try came to: bytes, the end (0), or what has to be waited for.
    struct Tried {
        ssize_t bytes = -1;
        short wait = 0;  // POLLIN or POLLOUT: try again after that; 0: it is final
    };
    // read_by: none: a request may take its time, step by step.
    Wire(core::base::Descriptor socket, std::optional<Clock::time_point> read_by);

    virtual Tried try_read(char* bytes, std::size_t size) = 0;
    virtual Tried try_write(const char* bytes, std::size_t size) = 0;
    // False when it is too late.
    [[nodiscard]] bool wait_for(short events, Clock::time_point deadline) const;

    core::base::Descriptor socket_;
    std::optional<Clock::time_point> read_by_;

private:
    std::size_t left_ = 0;  // bytes that the peer may still send
};

// A connection of this machine.
std::unique_ptr<Wire> make_plain_wire(core::base::Descriptor socket);
// Shakes hands as the server. A peer that speaks plain HTTP is told so in HTTP. Error: why there is no TLS.
core::Result<std::unique_ptr<Wire>> make_tls_wire(core::base::Descriptor socket, ssl_ctx_st* context);

}  // namespace appliance::api

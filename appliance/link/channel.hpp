// Channel: JSON messages with file descriptors between the processes of one Gatehouse, over a SOCK_SEQPACKET Unix
// socketpair. Used by the supervisor, control and the proxy. The fence helper has its own fixed-size protocol.
//
// On the wire a message is one packet: a head, then the JSON text. A packet must fit the socket's send buffer, so a
// text above inline_max travels in a sealed memfd. Descriptors beyond packet_fds_max follow in packets of their own.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "appliance/link/packet.hpp"
#include "core/base/descriptor.hpp"
#include "core/base/duration.hpp"
#include "core/base/result.hpp"

namespace appliance::link {

struct Message {
    nlohmann::json body;  // always an object
    std::vector<core::base::Descriptor> fds;
};

// What an end takes in; each side knows how much the other has to say.
struct ChannelLimits {
    std::size_t text;  // bytes
    std::size_t fds;
};

class Channel {
public:
    static constexpr std::size_t inline_max = std::size_t{32} << 10;
    static constexpr std::size_t text_max = std::size_t{16} << 20;
    static constexpr std::size_t fds_max = 65'536;
    // How long a peer may leave its end unread, or a message of several packets unfinished.
    static constexpr core::Milliseconds patience{5'000};

    static constexpr ChannelLimits widest{text_max, fds_max};

    Channel() = default;
    // Owns the socket, one end of make_pair().
    explicit Channel(core::base::Descriptor socket, ChannelLimits limits = widest) noexcept
        : socket_(std::move(socket)), limits_(limits) {}

    // Sends one message; body must be an object; fds stay the caller's. Errors: a message past the limits (nothing is
    // sent); the peer is gone (os_error EPIPE); the peer has not read for longer than patience (ETIMEDOUT). One thread
    // may send while another receives; two senders need a lock of their own.
    core::Result<void> send(const nlohmann::json& body, std::span<const int> fds = {});

    // The next message, or nothing when none came within timeout (0 ms: only looks). At the peer's end, and only then,
    // the error carries os_error EPIPE and closed() holds. Every other error means that the peer broke the protocol:
    // close the channel, and have the peer ended. Input is untrusted. Errors of the protocol: a message past the
    // limits, JSON deeper than depth_max (fields.hpp), a memfd without seals, a message that stays unfinished.
    core::Result<std::optional<Message>> receive(core::Milliseconds timeout);

    [[nodiscard]] bool closed() const noexcept { return closed_; }
    [[nodiscard]] bool valid() const noexcept { return socket_.valid(); }
    // For poll(2): readable when receive has something to do.
    [[nodiscard]] int fd() const noexcept { return socket_.get(); }
    // Gives the socket up.
    [[nodiscard]] core::base::Descriptor release() noexcept { return std::move(socket_); }

private:
    struct Head;

    core::Result<void> send_head(Head head, std::string_view text, std::span<const int> fds);
    core::Result<void> receive_fds(std::size_t count, std::vector<core::base::Descriptor>& fds);
    core::Result<Message> decode(std::span<const std::byte> packet, std::vector<core::base::Descriptor> fds);
    tl::unexpected<core::Error> end();

    core::base::Descriptor socket_;
    ChannelLimits limits_ = widest;
    std::vector<std::byte> buffer_;
    bool closed_ = false;
};

// Two connected ends, close-on-exec. Error: no descriptors left.
core::Result<std::pair<core::base::Descriptor, core::base::Descriptor>> make_pair();

}  // namespace appliance::link

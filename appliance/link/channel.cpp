#include "appliance/link/channel.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>

#include "appliance/link/fields.hpp"

namespace appliance::link {
namespace {

using core::base::Descriptor;

// "GATE" as a number: both ends are the same binary, so this guards against a descriptor mixed up, not a version.
constexpr std::uint32_t magic = 0x47415445;

enum Kind : std::uint32_t { text_inline = 1, text_in_memfd = 2, more_fds = 3 };

core::Result<Descriptor> make_memfd(std::string_view text) {
    Descriptor file(::memfd_create("gatehouse-message", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!file.valid()) {
        return core::fail_os("cannot make room for a message", errno);
    }
    while (!text.empty()) {
        const ssize_t wrote = ::write(file.get(), text.data(), text.size());
        if (wrote < 0 && errno != EINTR) {
            return core::fail_os("cannot write a message", errno);
        }
        text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(wrote, 0)));
    }
    // Sealed, so that a reader that maps it can rely on its size.
    if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
        return core::fail_os("cannot seal a message", errno);
    }
    return file;
}

// The seals keep the file as it is between fstat and read. A file that is no memfd has no seals.
core::Result<std::string> read_memfd(int file, std::size_t bytes) {
    constexpr int wanted = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    if (const int seals = ::fcntl(file, F_GET_SEALS); seals < 0 || (seals & wanted) != wanted) {
        return core::fail("cannot read a message", "its memory is not sealed");
    }
    struct stat facts {};
    if (::fstat(file, &facts) != 0 || facts.st_size != static_cast<off_t>(bytes)) {
        return core::fail("cannot read a message", "its size is not what was announced");
    }
    std::string text(bytes, '\0');
    for (std::size_t done = 0; done < bytes;) {
        const ssize_t got = ::pread(file, text.data() + done, bytes - done, static_cast<off_t>(done));
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return core::fail_os("cannot read a message", got == 0 ? EIO : errno);
        }
        done += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    }
    return text;
}

}  // namespace

struct Channel::Head {
    std::uint32_t magic = link::magic;
    std::uint32_t kind = 0;
    std::uint32_t bytes = 0;  // of the text; 0 in more_fds
    std::uint32_t fds = 0;    // of the whole message without the memfd; in more_fds those of this packet
};

core::Result<std::pair<Descriptor, Descriptor>> make_pair() {
    std::array<int, 2> ends{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return core::fail_os("cannot make a channel", errno);
    }
    return std::pair(Descriptor(ends[0]), Descriptor(ends[1]));
}

core::Result<void> Channel::send_head(Head head, std::string_view text, std::span<const int> fds) {
    return send_packet(socket_.get(), std::as_bytes(std::span(&head, 1)), std::as_bytes(std::span(text)), fds,
                       Clock::now() + patience);
}

core::Result<void> Channel::send(const nlohmann::json& body, std::span<const int> fds) {
    // Bytes that are not UTF-8 (a peer's text inside a reason) become replacement characters instead of an exception.
    const std::string text = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    if (text.size() > text_max || fds.size() > fds_max) {
        return core::fail("cannot send a message", std::to_string(text.size()) + " bytes with " +
                                                       std::to_string(fds.size()) + " descriptors are past the limits");
    }
    Head head{.kind = text_inline,
              .bytes = static_cast<std::uint32_t>(text.size()),
              .fds = static_cast<std::uint32_t>(fds.size())};
    std::vector<int> first;
    Descriptor file;
    if (text.size() > inline_max) {
        auto made = make_memfd(text);
        if (!made) {
            return tl::unexpected(std::move(made.error()));
        }
        file = std::move(*made);
        first.push_back(file.get());
        head.kind = text_in_memfd;
    }
    const std::size_t fit = std::min(fds.size(), packet_fds_max - first.size());
    first.insert(first.end(), fds.begin(), fds.begin() + static_cast<std::ptrdiff_t>(fit));
    auto sent = send_head(head, file.valid() ? std::string_view{} : std::string_view(text), first);
    for (fds = fds.subspan(fit); sent && !fds.empty(); fds = fds.subspan(std::min(fds.size(), packet_fds_max))) {
        const auto part = fds.first(std::min(fds.size(), packet_fds_max));
        sent = send_head({.kind = more_fds, .bytes = 0, .fds = static_cast<std::uint32_t>(part.size())}, {}, part);
    }
    return sent;
}

core::Result<std::optional<Message>> Channel::receive(core::Milliseconds timeout) {
    buffer_.resize(sizeof(Head) + inline_max);
    auto packet = receive_packet(socket_.get(), buffer_, Clock::now() + timeout);
    if (!packet) {
        return tl::unexpected(std::move(packet.error()));
    }
    if (packet->arrival == Arrival::timeout) {
        return std::optional<Message>();
    }
    if (packet->arrival == Arrival::closed) {
        return end();
    }
    auto message = decode(std::span(buffer_).first(packet->bytes), std::move(packet->fds));
    if (!message) {
        return tl::unexpected(std::move(message.error()));
    }
    return std::optional(std::move(*message));
}

core::Result<Message> Channel::decode(std::span<const std::byte> packet, std::vector<Descriptor> fds) {
    Head head;
    if (packet.size() < sizeof(head)) {
        return core::fail("cannot understand a message", "it is shorter than its head");
    }
    std::memcpy(&head, packet.data(), sizeof(head));
    const auto body = packet.subspan(sizeof(head));
    const bool in_memfd = head.kind == text_in_memfd;
    if (head.magic != magic || (head.kind != text_inline && !in_memfd) || head.bytes > limits_.text ||
        head.fds > limits_.fds || body.size() != (in_memfd ? 0 : head.bytes) || (in_memfd && fds.empty())) {
        return core::fail("cannot understand a message", "its head is wrong");
    }
    std::string text(reinterpret_cast<const char*>(body.data()), body.size());
    if (in_memfd) {
        auto read = read_memfd(fds.front().get(), head.bytes);
        if (!read) {
            return tl::unexpected(std::move(read.error()));
        }
        text = std::move(*read);
        fds.erase(fds.begin());
    }
    if (auto rest = receive_fds(head.fds, fds); !rest) {
        return tl::unexpected(std::move(rest.error()));
    }
    return parse_message(text).map([&fds](nlohmann::json parsed) {
        return Message{std::move(parsed), std::move(fds)};
    });
}

core::Result<void> Channel::receive_fds(std::size_t count, std::vector<Descriptor>& fds) {
    const auto deadline = Clock::now() + patience;
    while (fds.size() < count) {
        Head head;
        auto packet = receive_packet(socket_.get(), std::as_writable_bytes(std::span(&head, 1)), deadline);
        if (!packet) {
            return tl::unexpected(std::move(packet.error()));
        }
        if (packet->arrival == Arrival::closed) {
            return end();
        }
        if (packet->arrival == Arrival::timeout) {
            return core::fail("cannot understand a message", "the rest of its descriptors did not come");
        }
        if (packet->bytes != sizeof(head) || head.magic != magic || head.kind != more_fds || packet->fds.empty()) {
            return core::fail("cannot understand a message", "something else came in the middle of its descriptors");
        }
        std::move(packet->fds.begin(), packet->fds.end(), std::back_inserter(fds));
    }
    if (fds.size() != count) {
        return core::fail("cannot understand a message", "it brought more descriptors than announced");
    }
    return {};
}

tl::unexpected<core::Error> Channel::end() {
    closed_ = true;
    return core::fail_os("the other process has ended", EPIPE);
}

}  // namespace appliance::link

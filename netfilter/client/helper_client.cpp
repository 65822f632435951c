#include "netfilter/client/helper_client.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <utility>

#include "core/base/verify.hpp"
#include "netfilter/protocol/helper_protocol.hpp"

namespace netfilter {
namespace {

// Random: a new client on an old link must not take its predecessor's answer for its own.
std::uint64_t first_id() {
    std::random_device device;
    return static_cast<std::uint64_t>(device()) << 32 | device();
}

tl::unexpected<core::Error> gone(int os_error) {
    // To the caller a closed and a broken link are the same: the process is gone.
    return core::fail_os("cannot speak with the fence process", os_error == ECONNRESET ? EPIPE : os_error,
                         "the fences stay in the kernel; gatehouse starts the process again");
}

tl::unexpected<core::Error> foreign() {
    return tl::unexpected(core::Error{"cannot speak with the fence process", "it speaks another language",
                                      "run control and the fence process from the same binary",
                                      HelperClient::foreign_error});
}

}  // namespace

HelperClient::HelperClient(core::base::Descriptor link, core::Milliseconds timeout)
    : link_(std::move(link)), timeout_(timeout), next_id_(first_id()) {
    VERIFY(link_.valid());
}

core::Result<void> HelperClient::ping() {
    const auto deadline = Clock::now() + timeout_;
    const auto request = make_request(static_cast<std::uint8_t>(wire::Kind::ping));
    return send(request, deadline).and_then([&] {
        return receive(request, deadline, [](const wire::Reply&) { return core::Result<void>(); });
    });
}

core::Result<void> HelperClient::apply(std::span<const Change> changes, core::Milliseconds clock) {
    const auto deadline = Clock::now() + timeout_;
    auto request = make_request(static_cast<std::uint8_t>(wire::Kind::apply));
    request.clock = clock.count();
    do {
        const auto count = std::min(wire::items_max, changes.size());
        request.items = {};
        for (std::size_t i = 0; i < count; ++i) {
            request.items.at(i) = wire::pack(changes[i]);
        }
        changes = changes.subspan(count);
        request.count = static_cast<std::uint16_t>(count);
        request.last = changes.empty() ? 1 : 0;
        if (auto sent = send(request, deadline); !sent) {
            return sent;
        }
    } while (!changes.empty());
    return receive(request, deadline, [](const wire::Reply&) { return core::Result<void>(); });
}

core::Result<std::vector<Fence>> HelperClient::list(core::Milliseconds clock) {
    const auto deadline = Clock::now() + timeout_;
    const auto request = make_request(static_cast<std::uint8_t>(wire::Kind::list));
    std::vector<Fence> fences;
    const Take take = [&fences, clock](const wire::Reply& reply) -> core::Result<void> {
        for (std::size_t i = 0; i < reply.count; ++i) {
            auto change = wire::unpack(reply.items.at(i));
            if (!change || !std::holds_alternative<Fence>(*change)) {
                return foreign();
            }
            fences.push_back(std::get<Fence>(std::move(*change)));
            wire::set_clock(fences.back(), reply.clock, clock);
        }
        return {};
    };
    auto done = send(request, deadline).and_then([&] { return receive(request, deadline, take); });
    return done.map([&] { return std::move(fences); });
}

core::Result<std::string> HelperClient::rules_text() {
    return ask_text(static_cast<std::uint8_t>(wire::Kind::describe));
}

core::Result<std::string> HelperClient::capabilities() {
    return ask_text(static_cast<std::uint8_t>(wire::Kind::capabilities));
}

core::Result<std::string> HelperClient::ask_text(std::uint8_t kind) {
    const auto deadline = Clock::now() + timeout_;
    const auto request = make_request(kind);
    std::string text;
    const Take take = [&text](const wire::Reply& reply) -> core::Result<void> {
        text.append(reply.text.data(), reply.count);
        return {};
    };
    auto done = send(request, deadline).and_then([&] { return receive(request, deadline, take); });
    return done.map([&] { return std::move(text); });
}

core::Result<Reaped> HelperClient::reap(std::span<const Destination> destinations) {
    Reaped all;
    const Take take = [&all](const wire::Reply& reply) -> core::Result<void> {
        const auto reaped = wire::unpack_reaped(reply);
        all.sockets += reaped.sockets;
        all.forwarded += reaped.forwarded;
        return {};
    };
    while (!destinations.empty()) {
        const auto deadline = Clock::now() + timeout_;
        auto request = make_request(static_cast<std::uint8_t>(wire::Kind::reap));
        const auto count = std::min(wire::items_max, destinations.size());
        for (std::size_t i = 0; i < count; ++i) {
            request.items.at(i) = wire::pack(destinations[i]);
        }
        request.count = static_cast<std::uint16_t>(count);
        destinations = destinations.subspan(count);
        const auto done = send(request, deadline).and_then([&] { return receive(request, deadline, take); });
        if (!done) {
            return tl::unexpected(done.error());
        }
    }
    return all;
}

core::Result<void> HelperClient::send(const wire::Request& request, Clock::time_point deadline) {
    for (;;) {
        const auto ready = wait(POLLIN | POLLOUT, deadline);
        if (!ready) {
            return tl::unexpected(ready.error());
        }
        if ((*ready & POLLIN) != 0) {
            wire::Reply late{};
            if (auto dropped = read(late); !dropped) {
                return dropped;
            }
            continue;
        }
        if (::send(link_.get(), &request, sizeof request, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) {
            return {};
        }
        if (errno != EAGAIN && errno != EINTR) {
            return gone(errno);
        }
    }
}

core::Result<void> HelperClient::receive(const wire::Request& request, Clock::time_point deadline, const Take& take) {
    for (;;) {
        if (const auto ready = wait(POLLIN, deadline); !ready) {
            return tl::unexpected(ready.error());
        }
        wire::Reply reply{};
        if (auto got = read(reply); !got) {
            return got;
        }
        if (reply.id != request.id || reply.kind != request.kind) {
            continue;
        }
        if (reply.status == static_cast<std::uint8_t>(wire::Status::failed)) {
            return tl::unexpected(wire::unpack_error(reply));
        }
        if (auto taken = take(reply); !taken) {
            return taken;
        }
        if (reply.last == 1) {
            return {};
        }
    }
}

core::Result<short> HelperClient::wait(short events, Clock::time_point deadline) {
    for (;;) {
        const auto left = deadline - Clock::now();
        pollfd waited{link_.get(), events, 0};
        const int ready = left <= core::Milliseconds{0} ? 0 : core::base::poll_for(waited, left);
        if (ready > 0) {
            return waited.revents;
        }
        if (ready == 0) {
            return core::fail_os("cannot speak with the fence process", ETIMEDOUT,
                                 "list the fences to see what has become of the change");
        }
        if (errno != EINTR) {
            return core::fail_os("cannot wait for the fence process", errno);
        }
    }
}

core::Result<void> HelperClient::read(wire::Reply& reply) {
    const auto size = recv(link_.get(), &reply, sizeof reply, MSG_DONTWAIT | MSG_TRUNC);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        reply = {};  // matches no id: the caller waits again
        return {};
    }
    if (size <= 0) {
        return gone(size == 0 ? EPIPE : errno);
    }
    if (size == sizeof(wire::NoticePacket)) {
        wire::NoticePacket packet{};
        std::memcpy(&packet, &reply, sizeof packet);
        reply = {};
        return keep(packet);
    }
    return size == sizeof reply && wire::well_formed(reply) ? core::Result<void>() : foreign();
}

core::Result<void> HelperClient::keep(const wire::NoticePacket& packet) {
    auto notice = wire::unpack(packet);
    if (!notice) {
        return foreign();
    }
    if (notices_.size() == notices_max) {
        notices_.erase(notices_.begin());
    }
    notices_.push_back(std::move(*notice));
    return {};
}

core::Result<void> HelperClient::collect() {
    for (;;) {
        pollfd waited{link_.get(), POLLIN, 0};
        if (poll(&waited, 1, 0) <= 0) {
            return {};
        }
        wire::Reply late{};
        if (auto got = read(late); !got) {
            return got;
        }
    }
}

wire::Request HelperClient::make_request(std::uint8_t kind) {
    wire::Request request{};
    request.magic = wire::magic;
    request.kind = kind;
    request.last = 1;
    request.id = next_id_++;
    return request;
}

}  // namespace netfilter

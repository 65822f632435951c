#include "appliance/api/wire.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "appliance/api/server.hpp"

namespace appliance::api {
namespace {

using std::chrono::milliseconds;

class PlainWire final : public Wire {
public:
    PlainWire(int socket, milliseconds patience) : Wire(socket, Clock::now() + patience) {}

    void end() override {
        ::shutdown(fd(), SHUT_WR);
        if (rest()) {
            linger();
        }
    }

protected:
    Tried try_read(char* bytes, std::size_t size) override { return judge(::recv(fd(), bytes, size, 0), POLLIN); }
    Tried try_write(const char* bytes, std::size_t size) override {
        return judge(::send(fd(), bytes, size, MSG_NOSIGNAL), POLLOUT);
    }

private:
    static Tried judge(ssize_t result, short events) {
        const bool again = result < 0 && (errno == EAGAIN || errno == EINTR);
        return {result, again ? events : static_cast<short>(0)};
    }
};

}  // namespace

Wire::Wire(int fd, Clock::time_point read_by) : fd_(fd), read_by_(read_by), left_(Server::body_max + head_max) {
    ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
}

bool Wire::wait_for(short events, Clock::time_point deadline) const {
    for (;;) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
        pollfd entry{fd(), events, 0};
        const int ready = left.count() > 0 ? ::poll(&entry, 1, static_cast<int>(left.count())) : 0;
        if (ready >= 0 || errno != EINTR) {
            return ready > 0;
        }
    }
}

void Wire::linger() const {
    constexpr milliseconds linger_max{1'000};
    constexpr std::size_t linger_bytes = 1 << 20;
    const auto deadline = Clock::now() + linger_max;
    std::array<char, 4096> rest{};
    for (std::size_t got = 0; got < linger_bytes && wait_for(POLLIN, deadline);) {
        const ssize_t part = ::recv(fd(), rest.data(), rest.size(), MSG_DONTWAIT);
        if (part <= 0) {
            return;
        }
        got += static_cast<std::size_t>(part);
    }
}

ssize_t Wire::read(char* bytes, std::size_t size) {
    const auto deadline = std::min(read_by_, Clock::now() + step_max);
    while (left_ > 0 && Clock::now() < deadline) {
        const Tried tried = try_read(bytes, std::min(size, left_));
        if (tried.wait == 0) {
            left_ -= static_cast<std::size_t>(std::max<ssize_t>(tried.bytes, 0));
            return tried.bytes;
        }
        if (!wait_for(tried.wait, deadline)) {
            break;
        }
    }
    late_ = Clock::now() >= deadline;
    return -1;
}

ssize_t Wire::write(const char* bytes, std::size_t size) {
    const auto deadline = Clock::now() + step_max + std::chrono::seconds(size / write_rate);
    for (std::size_t done = 0; done < size;) {
        const Tried tried = try_write(bytes + done, size - done);
        if (tried.wait != 0) {
            if (!wait_for(tried.wait, deadline)) {
                return -1;
            }
        } else if (tried.bytes <= 0) {
            return -1;
        } else {
            done += static_cast<std::size_t>(tried.bytes);
        }
    }
    return static_cast<ssize_t>(size);
}

std::unique_ptr<Wire> make_plain_wire(int fd, milliseconds patience) {
    return std::make_unique<PlainWire>(fd, patience);
}

}  // namespace appliance::api

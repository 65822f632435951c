#include "appliance/api/wire.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "appliance/api/server.hpp"

namespace appliance::api {
namespace {

using std::chrono::milliseconds;

class PlainWire final : public Wire {
public:
    explicit PlainWire(core::base::Descriptor socket) : Wire(std::move(socket), std::nullopt) {}

    void end() override { ::shutdown(fd(), SHUT_WR); }

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

Wire::Wire(core::base::Descriptor socket, std::optional<Clock::time_point> read_by)
    : socket_(std::move(socket)), read_by_(read_by), left_(Server::body_max + head_max) {
    ::fcntl(socket_.get(), F_SETFL, ::fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
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

ssize_t Wire::read(char* bytes, std::size_t size) {
    const auto step_by = Clock::now() + step_max;
    const auto deadline = read_by_ ? std::min(*read_by_, step_by) : step_by;
    while (left_ > 0 && Clock::now() < deadline) {
        const Tried tried = try_read(bytes, std::min(size, left_));
        if (tried.wait == 0) {
            left_ -= static_cast<std::size_t>(std::max<ssize_t>(tried.bytes, 0));
            return tried.bytes;
        }
        if (!wait_for(tried.wait, deadline)) {
            return -1;
        }
    }
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

std::unique_ptr<Wire> make_plain_wire(core::base::Descriptor socket) {
    return std::make_unique<PlainWire>(std::move(socket));
}

}  // namespace appliance::api

#include "appliance/api/server.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <exception>
#include <system_error>

#include "appliance/api/conversation.hpp"

namespace appliance::api {

using core::base::Descriptor;

namespace {

// How long to wait after the kernel had no descriptor or no memory for a connection.
constexpr int shortage_pause_ms = 50;

bool is_shortage(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

Server::Server(Descriptor listening, std::unique_ptr<Entrance> entrance, Handler handler)
    : listening_(std::move(listening)),
      entrance_(std::move(entrance)),
      handler_(std::move(handler)),
      slots_(entrance_->limits()) {}

Server::~Server() {
    if (acceptor_.joinable()) {
        ::eventfd_write(wake_.get(), 1);
        acceptor_.join();
    }
    slots_.wait_until_empty();
}

core::Result<void> Server::start() {
    wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake_.valid()) {
        return core::fail_os("cannot serve the API", errno);
    }
    try {
        acceptor_ = std::thread([this] { accept_all(); });
    } catch (const std::system_error& error) {
        return core::fail_os("cannot serve the API", error.code().value());
    }
    return {};
}

void Server::accept_all() {
    for (bool short_of = false;;) {
        std::array<pollfd, 2> entries{pollfd{wake_.get(), POLLIN, 0}, pollfd{listening_.get(), POLLIN, 0}};
        // The connection that could not be accepted stays in the queue, and would wake this at once.
        ::poll(entries.data(), short_of ? 1 : 2, short_of ? shortage_pause_ms : -1);
        if (entries[0].revents != 0) {
            return;
        }
        short_of = (short_of || entries[1].revents != 0) && !accept_one();
    }
}

bool Server::accept_one() {
    Descriptor connection(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.valid()) {
        if (!is_shortage(errno)) {
            return true;
        }
        slots_.drop_oldest();
        return false;
    }
    const auto ticket = slots_.enter(connection.get(), entrance_->source_of(connection.get()));
    if (!ticket) {
        entrance_->turn_away(connection.get());
        return true;
    }
    const int fd = connection.get();
    try {
        // Detached, and counted instead: the destructor waits for the slots. The thread owns the descriptor.
        std::thread([this, fd, ticket = *ticket] { serve(Descriptor(fd), ticket); }).detach();
        static_cast<void>(connection.release());
    } catch (const std::system_error&) {
        entrance_->turn_away(fd);
        slots_.leave(*ticket);
        slots_.drop_oldest();
    }
    return true;
}

void Server::serve(Descriptor connection, Slots::Ticket ticket) {
    try {
        if (const auto wire = entrance_->admit(connection.get())) {
            Conversation(*wire, *entrance_, slots_, ticket, handler_).run();
        }
    } catch (const std::exception&) {
        // Mostly out of memory: this conversation ends without an answer; others go on.
    }
    // Before the descriptor is closed: another connection may get its number.
    slots_.leave(ticket);
}

}  // namespace appliance::api

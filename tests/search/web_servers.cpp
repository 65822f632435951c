#include "tests/search/web_servers.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "core/base/address.hpp"
#include "core/base/verify.hpp"
#include "tests/support/sockets.hpp"

namespace tests::search {
namespace {

constexpr int tries = 50;
constexpr int patience_ms = 1'000;

core::Address loopback(unsigned last, std::uint16_t port) {
    return *core::Address::parse(fmt::format("127.0.1.{}:{}", last, port));
}

}  // namespace

WebServers::WebServers(const std::vector<unsigned>& last) : end_(::eventfd(0, EFD_CLOEXEC)) {
    // A port that is free on the first address is free on the others, but for bad luck.
    bool opened = false;
    for (int i = 0; i < tries && !opened; ++i) {
        opened = open(last, 0);
    }
    VERIFY(opened);
    thread_ = std::thread([this] { serve(); });
}

WebServers::~WebServers() {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(end_.get(), &one, sizeof one));
    thread_.join();
}

bool WebServers::open(const std::vector<unsigned>& last, std::uint16_t port) {
    sites_.clear();
    for (const unsigned each : last) {
        auto listener = tests::support::listen_on(loopback(each, port));
        if (!listener) {
            return false;
        }
        if (port == 0) {
            sockaddr_storage storage{};
            socklen_t size = sizeof storage;
            ::getsockname(listener->get(), reinterpret_cast<sockaddr*>(&storage), &size);
            port = port_ = core::Address::from(storage).port();
        }
        sites_.push_back({each, std::move(*listener), false, 0});
    }
    return true;
}

void WebServers::set_broken(unsigned last, bool broken) {
    const std::lock_guard lock(mutex_);
    for (Site& site : sites_) {
        site.broken = site.last == last ? broken : site.broken;
    }
}

std::uint64_t WebServers::served(unsigned last) {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(sites_.begin(), sites_.end(), [last](const Site& site) { return site.last == last; });
    return found == sites_.end() ? 0 : found->served;
}

void WebServers::serve() {
    std::vector<pollfd> waited{{end_.get(), POLLIN, 0}};
    for (const Site& site : sites_) {
        waited.push_back({site.listener.get(), POLLIN, 0});
    }
    for (;;) {
        ::poll(waited.data(), waited.size(), -1);
        if (waited.front().revents != 0) {
            return;
        }
        for (std::size_t i = 1; i < waited.size(); ++i) {
            if (waited[i].revents != 0) {
                answer(sites_[i - 1]);
            }
        }
    }
}

void WebServers::answer(Site& site) {
    const core::base::Descriptor client(::accept4(site.listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    std::string head;
    std::array<char, 4096> piece{};
    while (client.valid() && head.find("\r\n\r\n") == std::string::npos) {
        pollfd readable{client.get(), POLLIN, 0};
        if (::poll(&readable, 1, patience_ms) <= 0) {
            return;
        }
        const ssize_t got = ::recv(client.get(), piece.data(), piece.size(), 0);
        if (got <= 0) {
            return;
        }
        head.append(piece.data(), static_cast<std::size_t>(got));
    }
    const std::lock_guard lock(mutex_);
    const std::string_view said = site.broken ? "HTTP/1.1 500 no\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
                                              : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    site.served += site.broken ? 0 : 1;
    static_cast<void>(::send(client.get(), said.data(), said.size(), MSG_NOSIGNAL));
}

}  // namespace tests::search

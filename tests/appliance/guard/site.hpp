// A server of HTTP that answers as a test wants it to.
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "tests/appliance/guard/answers.hpp"
#include "tests/support/sockets.hpp"

namespace appliance::guard {

// What a server answers with.
struct Site {
    std::string body;
    unsigned status = 200;
    std::string wants;  // the path with its query; anything else is answered as a wrong checksum is
    bool silent = false;
    std::atomic<unsigned> asked = 0;                               // connections that have sent something
    std::function<void(const core::base::Descriptor&)> talk{};     // instead of all that follows, TLS perhaps
    std::function<std::string(const std::string& request)> raw{};  // what it answers in its own words
    std::string endless{};                                         // sent after these again and again, with a pause
    std::chrono::milliseconds pause{};                             // each time, until the peer takes no more
};

// Speaks as much HTTP as it takes.
inline void answer(const core::base::Descriptor& connection, Site& site) {
    if (site.talk) {
        site.talk(connection);
        return;
    }
    std::string request;
    char byte = 0;
    while (request.find("\r\n\r\n") == std::string::npos && ::recv(connection.get(), &byte, 1, 0) == 1) {
        request += byte;
    }
    ++site.asked;
    if (site.silent) {
        static_cast<void>(::recv(connection.get(), &byte, 1, 0));
        return;
    }
    if (site.raw) {
        bool taken = tests::support::send_all(connection.get(), site.raw(request));
        while (taken && !site.endless.empty()) {
            std::this_thread::sleep_for(site.pause);
            taken = tests::support::send_all(connection.get(), site.endless);
        }
        return;
    }
    const bool right = site.wants.empty() || request.starts_with("GET " + site.wants + " ");
    const std::string body = right ? site.body : failed;
    tests::support::send_all(connection.get(), "HTTP/1.1 " + std::to_string(site.status) +
                                                   " X\r\nContent-Length: " + std::to_string(body.size()) +
                                                   "\r\nConnection: close\r\n\r\n" + body);
}

class Server {
public:
    explicit Server(std::string body, unsigned status = 200)
        : site_(std::make_shared<Site>()), listener_(*tests::support::listen_on(*core::Address::parse("127.0.0.1:0"))) {
        site_->body = std::move(body);
        site_->status = status;
        sockaddr_storage storage{};
        socklen_t size = sizeof(storage);
        ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&storage), &size);
        url = "http://" + core::Address::from(storage).text();
        thread_ = std::thread([this] {
            // A connection may outlive the server.
            tests::support::serve(listener_.get(),
                                  [site = site_](core::base::Descriptor connection) { answer(connection, *site); });
        });
    }
    ~Server() {
        ::shutdown(listener_.get(), SHUT_RDWR);
        thread_.join();
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    // To be set before the first request.
    Site& site() { return *site_; }

    std::string url;

private:
    std::shared_ptr<Site> site_;
    core::base::Descriptor listener_;
    std::thread thread_;
};

}  // namespace appliance::guard

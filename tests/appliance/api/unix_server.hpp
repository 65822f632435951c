// UnixServer: a real HTTP/1.1 server on a Unix socket for the tests of the client and the command line. It serves one
// connection after the other, records requests, and gives the prepared answers; it repeats the last one. An answer of
// status 0 closes the connection without a byte; silence holds it open instead.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/descriptor.hpp"

namespace tests {

struct Prepared {
    int status = 200;
    std::string body = "{}";
    std::string type = "application/json";
};

class UnixServer {
public:
    static constexpr int silence = -1;

    explicit UnixServer(std::vector<Prepared> answers) : answers_(std::move(answers)) {
        std::string pattern = (std::filesystem::temp_directory_path() / "gatehouse-socket-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path().c_str(), sizeof address.sun_path - 1);
        listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(listener_.get(), 8), 0);
        thread_ = std::thread([this] { serve(); });
    }

    ~UnixServer() {
        stop();
        std::filesystem::remove_all(folder_);
    }
    UnixServer(const UnixServer&) = delete;
    UnixServer& operator=(const UnixServer&) = delete;

    [[nodiscard]] std::string path() const { return folder_ / "control.sock"; }
    // Ends the thread; what was asked may be read afterwards. The socket's file stays, as after a kill -9.
    const std::vector<std::string>& stop() {
        if (thread_.joinable()) {
            ::shutdown(listener_.get(), SHUT_RDWR);
            thread_.join();
            held_.clear();
            listener_.reset();
        }
        return requests_;
    }

private:
    void serve() {
        for (std::size_t count = 0;; ++count) {
            core::base::Descriptor peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!peer.valid()) {
                return;
            }
            requests_.push_back(read_request(peer.get()));
            const Prepared& answer = answers_[std::min(count, answers_.size() - 1)];
            if (answer.status == silence) {
                held_.push_back(std::move(peer));
            } else if (answer.status != 0) {
                const auto text = fmt::format(
                    "HTTP/1.1 {} Some Reason\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                    answer.status, answer.type, answer.body.size(), answer.body);
                EXPECT_EQ(::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL),
                          static_cast<ssize_t>(text.size()));
            }
        }
    }

    static std::string read_request(int fd) {
        std::string text;
        std::size_t wanted = std::string::npos;
        char buffer[4096];
        while (text.size() < wanted) {
            const ssize_t count = ::recv(fd, buffer, sizeof buffer, 0);
            if (count <= 0) {
                break;
            }
            text.append(buffer, static_cast<std::size_t>(count));
            const auto end = text.find("\r\n\r\n");
            if (end != std::string::npos) {
                const auto length = text.find("Content-Length: ");
                wanted = end + 4 + (length < end ? std::strtoul(text.c_str() + length + 16, nullptr, 10) : 0);
            }
        }
        return text;
    }

    std::vector<Prepared> answers_;
    std::vector<std::string> requests_;
    std::vector<core::base::Descriptor> held_;
    std::filesystem::path folder_;
    core::base::Descriptor listener_;
    std::thread thread_;
};

}  // namespace tests

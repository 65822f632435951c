// Client: speaks to the control process over its Unix socket, one request per connection. Used by the command line.
// The HTTP library stays behind client.cpp.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace appliance::api {

// What the control process said, whatever the status: 200 to 599.
struct Answer {
    unsigned status = 0;
    std::string type;  // "application/json"; without parameters
    std::string body;
};

// Where the control socket is when nobody says otherwise.
inline constexpr std::string_view default_socket = "/run/gatehouse/control.sock";

class Client {
public:
    // Connects only when asked something. The path is at most 107 bytes long, as unix(7) wants it.
    explicit Client(std::string socket_path) : socket_path_(std::move(socket_path)) {}

    // Blocks the calling thread for timeout at most: the time from one byte of the answer to the next, the first
    // included. An error means that there is no answer: the daemon is not running, may not be spoken to by this user,
    // is stuck, or went away in between. Every answer, good or bad, is a value. The caller ignores SIGPIPE.
    core::Result<Answer> get(const std::string& path, std::chrono::milliseconds timeout = answer_timeout) const;
    // body is JSON.
    core::Result<Answer> post(const std::string& path, const std::string& body,
                              std::chrono::milliseconds timeout = answer_timeout) const;

    // The control process answers from memory; whoever waits longer than this waits for something that is stuck.
    static constexpr std::chrono::milliseconds answer_timeout{10'000};

private:
    std::string socket_path_;
};

}  // namespace appliance::api

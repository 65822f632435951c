// Request: what a command asks of the control process. Pure, so that the API's schema is tested without a daemon.
#pragma once

#include <chrono>
#include <string>

#include "appliance/cli/options.hpp"

namespace appliance::cli {

struct Request {
    enum class Method { get, post, put };

    std::string path;
    std::string body;  // JSON, or what is put
    // How long an answer may take: what the command waits for, and the client's own patience on top.
    std::chrono::milliseconds timeout{};
    Method method = Method::get;
};

// For every command but run and check. claimed_by is who the caller says to be; the server knows from the socket who
// really asks and records both.
Request request_for(const Options& options, const std::string& claimed_by);

// Asks it of the daemon that options name.
core::Result<api::Answer> send(const Request& request, const Options& options);

// To the daemon that options name.
api::Client client_for(const Options& options);

}  // namespace appliance::cli

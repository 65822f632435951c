// Request: what a command asks of the control process. Pure but for send(), so that the API's schema is tested without
// a daemon.
#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "appliance/cli/client/common.hpp"

namespace appliance::cli {

struct Request {
    enum class Method { get, post, put };

    std::string path;
    std::string body;  // JSON, or what is put
    // How long an answer may take: what the command waits for, and the client's own patience on top.
    std::chrono::milliseconds timeout{};
    Method method = Method::get;
};

Request get_request(std::string path);
// body is JSON and is sent as it is; what is not UTF-8 in it is replaced. wait: what the daemon waits for.
Request post_request(std::string path, const nlohmann::json& body, std::chrono::milliseconds wait = {});
// The same for what changes something: with common's reason and operator. The server knows the real caller from the
// socket, and records both.
Request change_request(std::string path, nlohmann::json body, const Common& common,
                       std::chrono::milliseconds wait = {});

// {"servers": [...], "pool": ...} as common names them.
nlohmann::json body_of_servers(const Common& common);

// text as a query's value (RFC 3986, section 2.1).
std::string escape(std::string_view text);

core::Result<api::Answer> send(const Request& request, const api::Client& client);

}  // namespace appliance::cli

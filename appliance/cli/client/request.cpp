#include "appliance/cli/client/request.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace appliance::cli {

Request get_request(std::string path) {
    return {std::move(path), {}, api::Client::answer_timeout};
}

Request post_request(std::string path, const nlohmann::json& body, std::chrono::milliseconds wait) {
    return {std::move(path), body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
            api::Client::answer_timeout + wait, Request::Method::post};
}

Request change_request(std::string path, nlohmann::json body, const Common& common, std::chrono::milliseconds wait) {
    body["why"] = common.why;
    if (!common.claimed_by.empty()) {
        body["claimed_by"] = common.claimed_by;
    }
    return post_request(std::move(path), body, wait);
}

nlohmann::json body_of_servers(const Common& common) {
    nlohmann::json body{{"servers", common.servers}};
    if (common.pool) {
        body["pool"] = *common.pool;
    }
    return body;
}

std::string escape(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           std::string_view("-._~").find(c) != std::string_view::npos;
        out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

core::Result<api::Answer> send(const Request& request, const api::Client& client) {
    switch (request.method) {
        case Request::Method::get:
            return client.get(request.path, request.timeout);
        case Request::Method::post:
            return client.post(request.path, request.body, request.timeout);
        case Request::Method::put:
            return client.put(request.path, request.body, request.timeout);
    }
    return core::fail("cannot ask gatehouse");
}

api::Client client_for(const Common& common) {
    return common.remote ? api::Client(*common.remote) : api::Client(common.socket);
}

}  // namespace appliance::cli

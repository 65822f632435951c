#include "appliance/link/request.hpp"

#include "appliance/link/channel.hpp"
#include "appliance/link/fields.hpp"

namespace appliance::link {
namespace {

using nlohmann::json;

// Of an operator's words, and of an error's line.
constexpr std::size_t words_max = 8'192;

decltype(Request::what) read_what(const json& body) {
    const std::string type = read_text(body, "type");
    if (type == "ready") {
        return Ready{};
    }
    if (type == "check_upgrade") {
        return CheckUpgrade{read_text(body, "who", words_max), read_text(body, "why", words_max)};
    }
    if (type == "upgrade") {
        return BeginUpgrade{};
    }
    if (type == "open_listeners") {
        return OpenListeners{read_address(body, "address"),
                             read_number<std::size_t>(body, "count", 1, Channel::fds_max)};
    }
    if (type == "close_listeners") {
        return CloseListeners{read_address(body, "address")};
    }
    if (type == "open_probe_sockets") {
        const std::string family = read_text(body, "family");
        if (family != "v4" && family != "v6") {
            throw Malformed("family", "is neither v4 nor v6");
        }
        return OpenProbeSockets{family == "v6", read_number<std::size_t>(body, "count", 0, Channel::fds_max)};
    }
    if (type == "is_child") {
        return IsChild{static_cast<pid_t>(read_number<std::uint32_t>(body, "pid", 0, 0x7fff'ffff))};
    }
    if (type == "end_child") {
        EndChild end{read_text(body, "process"), read_text(body, "why", words_max)};
        return end.process == "proxy" || end.process == "fence"
                   ? end
                   : throw Malformed("process", "is neither proxy nor fence");
    }
    throw Malformed("type", "is none that control sends");
}

}  // namespace

core::Result<Request> decode_request(const json& body) {
    return decode("a request of control", [&body] {
        return Request{read_number<std::uint64_t>(body, "id"), read_what(body)};
    });
}

}  // namespace appliance::link

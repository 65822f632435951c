// What control may ask of the supervisor: the one decoder of it, in the supervisor. Control reads foreign input, so the
// supervisor does not trust what it sends.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <variant>

#include "core/base/address.hpp"
#include "core/base/result.hpp"

namespace appliance::link {

// The first configuration has reached the proxy.
struct Ready {};
// The program at the daemon's path is to be tried; then, to be become.
struct CheckUpgrade {
    std::string who;
    std::string why;
};
struct BeginUpgrade {};
struct OpenListeners {
    core::Address address;
    std::size_t count = 0;  // at least 1
};
struct CloseListeners {
    core::Address address;
};
struct OpenProbeSockets {
    bool v6 = false;
    std::size_t count = 0;
};
// Whether a process is one of the daemon's own.
struct IsChild {
    pid_t pid = 0;
};
// A child of the supervisor has sent what none would, and is to be ended; its role's name.
struct EndChild {
    std::string process;  // "proxy" or "fence"
    std::string why;
};

struct Request {
    std::uint64_t id = 0;  // of the answer
    std::variant<Ready, CheckUpgrade, BeginUpgrade, OpenListeners, CloseListeners, OpenProbeSockets, IsChild, EndChild>
        what;
};

// Error: control would never send that. Never throws.
core::Result<Request> decode_request(const nlohmann::json& body);

}  // namespace appliance::link

// Diagnose: what operators of a machine without a shell ask it: does a name resolve, does a port answer, does a host
// echo. Each function blocks its caller, a thread of the API, for its timeout at most. It takes no lock of control's.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/duration.hpp"

namespace appliance::control::diagnose {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

inline constexpr core::Milliseconds timeout_max{10'000};
inline constexpr core::Milliseconds timeout_usual{5'000};
inline constexpr unsigned echoes_max = 10;
inline constexpr unsigned echoes_usual = 3;
inline constexpr unsigned at_once_max = 4;

// A place among those that diagnose at the same time, given back with the last copy; null where all are taken. A
// look-up keeps its place until the name service answers, so that threads cannot pile up.
using Place = std::shared_ptr<void>;
Place take_place();

struct Lookup {
    std::vector<core::Address> addresses;  // port 0, in the order in which they would be tried
    std::string error;                     // where there are none
};
// An address in numbers is itself.
Lookup look_up(const std::string& name, Clock::time_point deadline, const Place& place);

// {"name", "resolved", "addresses", "ms", "error"}.
Json resolve(const std::string& name, core::Milliseconds timeout, const Place& place);
// Tries the addresses one after the other: {"host", "port", "connected", "address", "ms", "tried": [{"address", "ms",
// "error"}], "error"}.
Json connect(const std::string& host, std::uint16_t port, core::Milliseconds timeout, const Place& place);
// ICMP echoes to the first address, by the kernel's sockets for those without privileges: {"host", "address", "sent",
// "received", "least_ms", "mean_ms", "most_ms", "echoes": [{"number", "ms", "error"}], "error"}.
Json ping(const std::string& host, unsigned count, core::Milliseconds timeout, const Place& place);

// Since then, in milliseconds to the microsecond.
double ms_since(Clock::time_point begin);

}  // namespace appliance::control::diagnose

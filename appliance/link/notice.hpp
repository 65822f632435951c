// What the supervisor tells control by itself: the one decoder of it, in control.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>

#include "appliance/link/channel.hpp"
#include "core/base/duration.hpp"
#include "core/base/result.hpp"

namespace appliance::link {

enum class Process { control, proxy, fence };

struct ChildStarted {
    Process process = Process::proxy;  // proxy or fence
    pid_t pid = 0;
    bool beside = false;          // another proxy serves on the same sockets
    core::base::Descriptor link;  // control's end of the link to it
};
struct ChildExited {
    Process process = Process::proxy;
    std::string why;
};
// A new control has been told of every child that runs; another one there is not.
struct HandedOver {};
struct Reload {};
struct UpgradeNews {
    nlohmann::json upgrade;  // an object, for `status`
    std::size_t old_proxies = 0;
};
struct Stop {
    core::Milliseconds deadline{0};
};

using Notice = std::variant<ChildStarted, ChildExited, HandedOver, Reload, UpgradeNews, Stop>;

// As its sender has it in its arguments.
const char* print(Process process) noexcept;

// Error: the supervisor would never send that. Never throws.
core::Result<Notice> decode_notice(Message message);

}  // namespace appliance::link

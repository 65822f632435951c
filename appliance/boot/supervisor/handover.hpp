// Handover: what a supervisor passes to the program that it executes. `gatehouse upgrade` executes the new binary at
// the daemon's path, in the daemon's own process. The handover has what must outlive that: the sockets, and the proxies
// that serve meanwhile. It travels in a sealed memfd; an environment variable has its number.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/descriptor.hpp"
#include "core/base/result.hpp"

namespace appliance::boot {

// An upgrade from its order to its outcome, for `status` and the log.
struct Upgrade {
    unsigned number = 0;  // of this daemon since it was started, from 1; 0: there was none
    std::string from;     // versions
    std::string to;
    pid_t proxy = 0;  // that served before
    std::string who;
    std::string why;
    std::string error;  // why it failed; empty: it has not

    bool operator==(const Upgrade&) const = default;
};

// Descriptors are plain numbers here, -1: none. Nothing owns them between one program and the next.
struct Handover {
    // Of this form. A program that does not know the form refuses the rehearsal (rehearsal.hpp).
    static constexpr int format = 1;

    struct Proxy {
        pid_t pid = 0;
        int link = -1;                                                // the supervisor's copy of control's end
        std::optional<std::chrono::steady_clock::time_point> end_by;  // draining; none: it serves
        bool operator==(const Proxy&) const = default;
    };
    struct Listening {
        core::Address address;
        std::vector<int> sockets;
        bool operator==(const Listening&) const = default;
    };

    std::string program;       // the path that the daemon was started from
    std::string control_path;  // where the control socket is bound
    int control_socket = -1;
    int claim = -1;
    int image = -1;  // the old program, to go back to; -1 on the way back
    std::vector<Listening> listeners;
    std::vector<Proxy> proxies;  // at most one that serves
    std::vector<pid_t> leaving;  // control and fence, which end by themselves when their links close
    Upgrade upgrade;

    // Every descriptor named above.
    [[nodiscard]] std::vector<int> descriptors() const;
    bool operator==(const Handover&) const = default;
};

// As JSON, and back. Error of the second: it is no handover of our format.
std::string print(const Handover& handover);
core::Result<Handover> parse_handover(const std::string& text);

// Executes another program in this process, with `run -c config`: image where that is a descriptor (>= 0), else
// handover.program. Returns only on failure, with the error; nothing has changed then. Other threads end with the old
// program. Every descriptor that is not in the handover has to be close-on-exec.
core::Error become(const Handover& handover, const std::string& config, int image);

// The previous program's handover; nothing where this process began with us. Makes its descriptors close-on-exec again,
// and removes it from the environment. Call it once, before there are threads. Error: it cannot be read.
core::Result<std::optional<Handover>> take_handover();

// The path that this process was started from, absolute. Call it before the working directory changes.
std::string program_path();

}  // namespace appliance::boot

// Splice: bytes from socket to socket through a pipe, never copied to us. On readiness with splice(2), not with
// IORING_OP_SPLICE, which the kernel always hands to a worker thread (REQ_F_FORCE_ASYNC).
#pragma once

#include <cstdint>

#include "core/io/pipe.hpp"
#include "core/io/task.hpp"
#include "core/net/deadline.hpp"
#include "core/proxy/transfer/pace.hpp"

namespace core::proxy {

enum class SpliceEnd : std::uint8_t {
    complete,       // as many as wanted
    source_ended,   // the sender's orderly end came first; all before it has been delivered
    source_failed,  // its connection broke or went silent
    sink_failed,    // the receiver's did; what is in the pipe is lost with it
};

struct SpliceMove {
    enum class Watch : std::uint8_t {
        each_wait,  // a deadline runs while we wait for its socket, and only then (bodies)
        idle,       // both run all the time and begin anew with every byte (relays)
    };

    net::Socket& from;
    net::Deadline& from_deadline;
    Milliseconds from_patience;
    net::Deadline::Effect from_effect;
    Pace* from_pace = nullptr;  // null: any will do; of each_wait only
    net::Socket& to;
    net::Deadline& to_deadline;
    Milliseconds to_patience;
    Watch watch;
    std::uint64_t& counter;   // every byte delivered is added, as it is
    std::uint64_t want;       // bytes
    std::uint64_t moved = 0;  // bytes delivered to the receiver's socket
};

// Nothing may be left in the sender's inbox. pipe must be empty, and is again unless the receiver failed; it grows for
// much. No other receive on from and no other send on to may be out.
io::Task<SpliceEnd> splice_bytes(SpliceMove& move, io::PipeLoan& pipe);

}  // namespace core::proxy

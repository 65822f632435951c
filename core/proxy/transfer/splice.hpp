// Splice: moves bytes from socket to socket through a pipe, without copying them to user space. Uses readiness and
// splice(2), not IORING_OP_SPLICE: the kernel always hands that to a worker thread (REQ_F_FORCE_ASYNC).
#pragma once

#include <cstdint>

#include "core/io/pipe.hpp"
#include "core/io/task.hpp"
#include "core/net/deadline.hpp"
#include "core/proxy/transfer/pace.hpp"

namespace core::proxy {

enum class SpliceEnd : std::uint8_t {
    complete,       // all wanted bytes
    source_ended,   // the sender's orderly end came first; all bytes before it have been delivered
    source_failed,  // its connection broke or was silent for too long
    sink_failed,    // the receiver's connection did; what is in the pipe is lost
};

struct SpliceMove {
    enum class Watch : std::uint8_t {
        each_wait,  // a deadline runs only while we wait for its socket (bodies)
        idle,       // both run all the time, and restart with every byte (relays)
    };

    net::Socket& from;
    net::Deadline& from_deadline;
    Milliseconds from_patience;
    net::Deadline::Effect from_effect;
    Pace* from_pace = nullptr;  // null: no least rate; of each_wait only
    net::Socket& to;
    net::Deadline& to_deadline;
    Milliseconds to_patience;
    Watch watch;
    std::uint64_t& counter;   // grows with every delivered byte
    std::uint64_t want;       // bytes
    std::uint64_t moved = 0;  // bytes delivered to the receiver's socket
};

// Preconditions: the sender's inbox is empty; pipe is empty; no other receive on from and no other send on to is out.
// Afterwards pipe is empty again, unless the receiver failed. pipe grows for a long run.
io::Task<SpliceEnd> splice_bytes(SpliceMove& move, io::PipeLoan& pipe);

}  // namespace core::proxy

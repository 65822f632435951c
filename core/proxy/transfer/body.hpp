// Body: moves one message body from an inbox to the other side, framing it anew. Two movers, chosen by what is known to
// be still to come: small pieces are copied from a receive buffer straight into send(2), and gathered where they are
// very small; from splice_least on bytes go from socket to socket through a pipe.
#pragma once

#include <cstdint>

#include "core/http/chunked.hpp"
#include "core/http/head.hpp"
#include "core/io/pipe.hpp"
#include "core/io/task.hpp"
#include "core/net/deadline.hpp"
#include "core/proxy/transfer/inbox.hpp"
#include "core/proxy/transfer/outbox.hpp"
#include "core/proxy/transfer/pace.hpp"

namespace core::proxy {

// Where splicing begins to pay, bytes. Below, two more system calls cost more than the copies that they spare.
inline constexpr std::uint64_t splice_least = 32 * 1024;

enum class BodyEnd : std::uint8_t {
    complete,
    source_ended,      // the sender closed before the end of the body
    source_failed,     // the sender's connection broke or went silent
    source_malformed,  // its chunk framing is refused
    sink_failed,       // the receiver's connection broke or does not take any more
};

struct BodyMove {
    Inbox& from;
    net::Deadline& deadline;              // armed while we wait for the sender
    Milliseconds patience;                // its longest silence in the middle of the body
    net::Deadline::Effect effect;         // and what that does to its socket
    Outbox& to;                           // what is pending in it goes first
    http::Framing framing;                // how it comes in
    http::ChunkLimits chunks;             // where it comes in chunks
    bool chunk;                           // whether it goes out in chunks
    Pace* pace;                           // null: any will do
    io::PipePool* pipes;                  // null: never splice
    bool& spliced;                        // set where some of it was spliced
    std::string_view* refusal = nullptr;  // where a malformed body is said to be one: why, a literal
    http::Oddities* oddities = nullptr;   // where its chunks are read leniently: what that took is added
};

// Everything up to the end of the body, and nothing behind it,
// is taken from the inbox.
io::Task<BodyEnd> move_body(BodyMove move);

}  // namespace core::proxy

// Body: moves one message body from an inbox to the other side, and frames it anew. The number of bytes known to follow
// decides how. Below splice_least, pieces are copied from a receive buffer into send(2); very small ones are gathered
// first. From splice_least on, bytes go from socket to socket through a pipe.
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

// Bytes. Below this, two more system calls cost more than the copies that splicing saves.
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
    net::Deadline::Effect effect;         // what deadline does to the sender's socket
    Outbox& to;                           // what is pending in it goes first
    http::Framing framing;                // how it comes in
    http::ChunkLimits chunks;             // where it comes in chunks
    bool chunk;                           // whether it goes out in chunks
    Pace* pace;                           // null: no least rate
    io::PipePool* pipes;                  // null: never splice
    bool& spliced;                        // set where some bytes were spliced
    std::string_view* refusal = nullptr;  // gets the reason why a body is malformed, a literal
    http::Oddities* oddities = nullptr;   // not null: chunks are read leniently, and oddities are added
};

// Takes everything up to the end of the body from the inbox, and nothing behind it.
io::Task<BodyEnd> move_body(BodyMove move);

}  // namespace core::proxy

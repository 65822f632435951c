// Relay: bytes both ways between a client and a backend, until both sides have ended. TCP sessions and upgraded HTTP
// sessions (WebSocket) are relays.
#pragma once

#include "core/io/pipe.hpp"
#include "core/io/task.hpp"
#include "core/proxy/session/session.hpp"
#include "core/proxy/stats/record.hpp"

namespace core::proxy {

// What is already in the two inboxes goes first. One side's end is passed on and leaves the other direction open; an
// error or a silence longer than idle ends both. So does the client's reset, also where the server takes nothing of
// what it has sent, and, once the backend of connection is fenced or the worker drains, the end of its sending where
// nothing is on its way any more: session.left says so. Counts bytes into record and into what the session's worker has
// moved, and says in record whether some were spliced. pipes: null for never splicing.
io::Task<void> relay(Session& session, Connection& connection, const Backend& backend, Milliseconds idle,
                     io::PipePool* pipes, Record& record);

}  // namespace core::proxy

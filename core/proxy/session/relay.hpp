// Relay: bytes both ways between a client and a backend, until both sides have ended. TCP sessions and upgraded HTTP
// sessions (WebSocket) are relays.
#pragma once

#include "core/io/pipe.hpp"
#include "core/io/task.hpp"
#include "core/proxy/session/session.hpp"
#include "core/proxy/stats/record.hpp"

namespace core::proxy {

// What is already in the two inboxes goes first. One side's FIN is passed on and leaves the other direction open. Both
// ends close on: an error; a silence longer than idle; the client's RST, even while the server takes no bytes. The
// client's FIN ends both too where the backend of connection is fenced or the worker drains. That happens once nothing
// is on its way any more; session.left is true then. Counts bytes into record and into the worker's Moved, and notes in
// record whether some were spliced. pipes: null for never splicing.
io::Task<void> relay(Session& session, Connection& connection, const Backend& backend, Milliseconds idle,
                     io::PipePool* pipes, Record& record);

}  // namespace core::proxy

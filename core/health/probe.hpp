// Probe: one check of one backend, from connect to verdict.
#pragma once

#include "core/base/address.hpp"
#include "core/health/check.hpp"
#include "core/http/parser.hpp"
#include "core/io/task.hpp"
#include "core/net/socket.hpp"

namespace core::health {

// Checks backend once, on socket: of the backend's family, not connected, not aborted. Its descriptor is disconnected
// afterwards (with a reset) and may be used again, by another Socket where this one was aborted; that way sockets that
// a privileged process has marked, so that they pass fences, last for ever. Ends at the check's timeout at the latest,
// and at once, with a verdict that means nothing, when somebody aborts socket. answers: how long the head of an answer
// may be.
io::Task<void> probe(net::Socket& socket, const Check& check, const Address& backend, Verdict& verdict,
                     http::Limits answers = {});

}  // namespace core::health

// Probe: one check of one backend, from connect to verdict.
#pragma once

#include "core/base/address.hpp"
#include "core/base/descriptor.hpp"
#include "core/health/check.hpp"
#include "core/io/loop.hpp"
#include "core/io/task.hpp"

namespace core::health {

// Checks backend once, on socket: a non-blocking TCP socket of the backend's family that is not connected. It is
// disconnected afterwards (with a reset) and may be used again; that way sockets that a privileged process has marked,
// so that they pass fences, last for ever. Ends at the check's timeout at the latest.
io::Task<void> probe(io::Loop& loop, const base::Descriptor& socket, const Check& check, const Address& backend,
                     Verdict& verdict);

}  // namespace core::health

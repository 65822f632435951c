// Plain blocking sockets for test programs (demo_server, port_bridge), with one thread per connection. They use nothing
// of Gatehouse's own ring, so that a fault of the product is not in its test too.
#pragma once

#include <functional>
#include <string_view>

#include "core/base/address.hpp"
#include "core/base/descriptor.hpp"
#include "core/base/result.hpp"

namespace tests::support {

// Binds (SO_REUSEADDR, an IPv6 socket takes IPv6 only) and listens. Error: the system's reason.
core::Result<core::base::Descriptor> listen_on(const core::Address& address);

// Connects within the kernel's own time. Error: the system's reason.
core::Result<core::base::Descriptor> connect_to(const core::Address& address);

// Accepts for ever, each connection in a detached thread of its own. Returns only when accepting has become impossible.
void serve(int listener, const std::function<void(core::base::Descriptor)>& session);

// Sends everything; false when the peer is gone.
bool send_all(int fd, std::string_view bytes);

// Copies until the end of `from`, then passes the half-close on to `to`. An error closes both directions of both.
void pump(int from, int to);

// Both directions at once; returns when both have ended.
void relay(int left, int right);

}  // namespace tests::support

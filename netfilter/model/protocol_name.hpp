// The name of a transport protocol.
#pragma once

#include <cstdint>
#include <string>

namespace netfilter {

// "tcp", "udp", or the number.
std::string protocol_name(std::uint8_t protocol);

}  // namespace netfilter

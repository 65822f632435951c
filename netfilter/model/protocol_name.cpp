#include "netfilter/model/protocol_name.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

namespace netfilter {

std::string protocol_name(std::uint8_t protocol) {
    switch (protocol) {
        case IPPROTO_TCP:
            return "tcp";
        case IPPROTO_UDP:
            return "udp";
        case IPPROTO_ICMP:
            return "icmp";
        case IPPROTO_ICMPV6:
            return "ipv6-icmp";
        case IPPROTO_SCTP:
            return "sctp";
        default:
            return fmt::format("{}", protocol);
    }
}

}  // namespace netfilter

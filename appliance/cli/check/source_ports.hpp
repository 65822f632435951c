// For `gatehouse check`: how many connections to one server this machine's ports allow, and the pools' source addresses
// that this machine lacks.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "appliance/config/file/problem.hpp"
#include "appliance/config/model/config.hpp"

namespace appliance::cli {

// One problem for each source address that a socket of this machine cannot have. Where no socket can be made, none.
config::Problems absent_sources(const config::Config& config);

struct SourcePorts {
    std::string text;     // a line, and one for each pool and family that has source addresses; each with its newline
    nlohmann::json json;  // {"first", "last", "pools": [{"pool", "family", "sources", "connections_per_server"}]}
};

// Reads net.ipv4.ip_local_port_range, which is IPv6's too. Empty text and null where that cannot be read.
SourcePorts source_ports(const config::Config& config);

}  // namespace appliance::cli

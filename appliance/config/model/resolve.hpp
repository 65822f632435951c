// Servers that are given by names, and the addresses that they have at present. Pure: control looks the names
// up (appliance/control/observe/names).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "appliance/config/model/config.hpp"

namespace appliance::config {

// What names resolve to, by server: in the order to try, port 0. A server with an unresolved name is missing.
using Answers = std::map<std::string, std::vector<core::Address>>;

// 0.0.0.0 or ::, whatever the port.
bool is_unspecified(const core::Address& address) noexcept;

// Whether the listener itself takes connections to the backend: a request would loop.
bool leads_back(const Listener& listener, const Backend& backend) noexcept;

// Gives each server of wanted that is given by a name one address, and its backends the same. The server's address in
// running stays while the answer still holds it, and while there is no answer. Else it is the first of the answer that
// fits: no other backend of a pool has it, no listener of ours does, and the kernel can lead there. Where none of the
// answer fits, the one in running stays; a server without any is left without (Backend::has_address). Returns, by
// server, why the answer did not fit.
std::map<std::string, std::string> resolve(Config& wanted, const Answers& answers, const Config& running);

}  // namespace appliance::config

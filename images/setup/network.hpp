// Network: the operator's lines about the appliance's address, as systemd-networkd's file. Pure.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace images::setup {

// text: lines of address=10.0.0.2/24 (one or more), gateway=10.0.0.1, dns=10.0.0.53 and ntp=time.example.org (each none
// or more; ntp's is a name or an address). Only what was understood is written, so no other setting reaches networkd.
// Error: the line, and what is wrong with it.
core::base::Result<std::string> network_file(std::string_view text);

}  // namespace images::setup

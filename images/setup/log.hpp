// Log: where an operator wants the machine's journal sent, and what rsyslogd reads for it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace images::setup {

// text: a line server=logs.example.org:6514 (the port may be left out), and where the server's certificate has another
// name than that, as it has for an address, a line name=logs.example.org. authorities: the file of the certificates
// that vouch for the server. The answer sends every line of the journal as RFC 5425 has it, syslog over TLS; only what
// was understood is written, so nothing else can be said to rsyslogd. Error: the line, and what is wrong with it.
core::base::Result<std::string> log_file(std::string_view text, std::string_view authorities);

}  // namespace images::setup

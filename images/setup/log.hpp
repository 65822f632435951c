// Log: the server that the journal is sent to, and rsyslogd's configuration for it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace images::setup {

// Returns rsyslogd's configuration: it sends every line of the journal as syslog over TLS (RFC 5425). text: a line
// server=logs.example.org:6514, where the port may be left out. A server with an address, or with another name in its
// certificate, needs a line name=logs.example.org too. authorities: the file of the certificates that the server is
// verified against. Only what was understood is written, so no other setting reaches rsyslogd. Error: the line, and
// what is wrong with it.
core::base::Result<std::string> log_file(std::string_view text, std::string_view authorities);

}  // namespace images::setup

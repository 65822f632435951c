// Placeholders: {server}, {host} and {port} in the commands of recipes. A mistyped one would go to the shell as it is,
// and do what was not meant on each server. So it is refused wherever a command enters. Pure.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace appliance::config {

// The values of one server.
struct Filling {
    std::string server;
    std::string host;
    std::string port;
};

// A placeholder is a word in braces that does not follow a '$': a letter or '_', then letters, digits, '_', '-', '.'
// and ':', but no "..". All other braces are the shell's: "${x}", "{a,b}", "{1..3}", "{ x; }", "{print $1}", "{}",
// "{3}". A doubled one, "{{word}}", is written as "{word}". Error: the first word that names nothing, the nearest that
// does, and how to write it literally.
core::Result<void> check_placeholders(std::string_view command);

// The command with the values in their places. Unknown words stay as they are.
std::string fill_placeholders(std::string_view command, const Filling& filling);

}  // namespace appliance::config

// Event lines: what supervisor and control tell the log, one line of JSON each, beside the proxy's exchange lines.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace appliance::link {

// {"time":NOW,"event":KIND, ...fields} and a newline. fields is an object; bytes that are not UTF-8 are replaced.
std::string event_line(std::string_view kind, const nlohmann::ordered_json& fields);

}  // namespace appliance::link

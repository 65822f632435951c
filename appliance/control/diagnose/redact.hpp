// Redact: takes secrets out of what goes to others, and to callers of the API who may only read. Pure. It knows them by
// their names (password = "...", token: ..., --secret ..., Bearer ...), in TOML, JSON, commands and comments alike, and
// would rather take too much; what has an innocent name it cannot know. A URL is left its origin, because a path may be
// a secret too; of a command and of what it has printed nothing is left.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace appliance::control {

// Each secret becomes "***"; all else, line ends too, is as it was.
std::string redact(std::string_view text);
// The same for each text in it, and whole for those under such a name, or one of a command.
nlohmann::ordered_json redact(nlohmann::ordered_json value);

// The same for a line that is JSON; one that is none is a text. A line end stays.
std::string redact_line(std::string_view line);

}  // namespace appliance::control

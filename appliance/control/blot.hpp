// Blot: takes secrets out of texts that go to others. Pure. It knows them by their names (password = "...", token: ...,
// --secret ..., Bearer ..., https://user:password@host), in TOML, JSON, commands and comments alike, and would rather
// take too much; what has an innocent name it cannot know.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace appliance::control {

// Each secret becomes "***"; all else, line ends too, is as it was.
std::string blot(std::string_view text);
// The same for each text in it, and whole for those under such a name.
nlohmann::ordered_json blot(nlohmann::ordered_json value);

}  // namespace appliance::control

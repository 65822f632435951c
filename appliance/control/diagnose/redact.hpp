// Redact: takes secrets out of texts for other people, and for callers of the API with the role read. Pure. It knows
// secrets by their names (password = "...", token: ..., --secret ..., Bearer ...), in TOML, JSON, commands and comments
// alike. It rather takes too much; a secret with an innocent name stays. A URL keeps its origin alone, because a path
// may be a secret too. Nothing is left of a command and of its output.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace appliance::control {

// Each secret becomes "***"; all else, line ends too, is as it was.
std::string redact(std::string_view text);
// The same for each text in it; a text under a secret's or a command's name goes as a whole.
nlohmann::ordered_json redact(nlohmann::ordered_json value);

// The same for a line that is JSON; one that is none is a text. A line end stays.
std::string redact_line(std::string_view line);

}  // namespace appliance::control

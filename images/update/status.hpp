// Status: the state of an update, readable for all users; and control's request to gatehouse-update.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "images/update/entries.hpp"

namespace images::update {

// To the journal and the console.
void say(const std::string& text);

// What can be booted, by file name.
[[nodiscard]] std::vector<std::pair<std::filesystem::path, Entry>> entries();

// state: "idle", "asked", "fetching", "installing", "installed", "rebooting", "refused"; what: one line for an
// operator, also said; empty: none. One thread at a time; others wait.
void write_status(std::string_view state, const std::string& what);
// The state that was written last; empty where there is none.
[[nodiscard]] std::string last_state();

// Takes control's request, and removes it in any case; nothing: there is none. An invalid one gives an empty object.
[[nodiscard]] std::optional<nlohmann::json> take_request();
// The waiting request's action ("install", "rollback", "reboot"); the request stays. Empty: there is none.
[[nodiscard]] std::string requested_action();

}  // namespace images::update

// The addresses that servers given by names have, kept over restarts: a name service that is away at the start takes no
// server away.
#pragma once

#include <filesystem>
#include <vector>

#include "appliance/config/model/resolve.hpp"
#include "core/base/result.hpp"

namespace appliance::control {

// For servers that config gives by the same names. Errors: the database cannot be read, or holds what save_names()
// never wrote.
core::Result<config::Answers> load_names(const std::filesystem::path& folder, const config::Config& config);
// Keeps these servers' names and addresses in place of those that were kept. Error: the disk's.
core::Result<void> save_names(const std::filesystem::path& folder, const std::vector<config::Server>& servers);

}  // namespace appliance::control

// Machine: what the kernel says of the machine that Gatehouse runs on, for those who have no shell there.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

namespace appliance::control {

// memory (bytes: total, available), listening (each socket that waits for others: protocol, address and port), settings
// (what the kernel is set to, by its names, where this process may read it). proc: where procfs is. What cannot be read
// is left out.
nlohmann::ordered_json view_machine(const std::filesystem::path& proc = "/proc");

}  // namespace appliance::control

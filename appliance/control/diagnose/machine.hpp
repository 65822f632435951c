// Machine: what the kernel says of the machine that Gatehouse runs on, for operators without a shell there.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

namespace appliance::control {

// memory (bytes: total, available); listening (each socket that waits for a peer: protocol, address and port); settings
// (of the kernel, by its names, where this process may read them). proc: where procfs is. What cannot be read is left
// out.
nlohmann::ordered_json view_machine(const std::filesystem::path& proc = "/proc");

}  // namespace appliance::control

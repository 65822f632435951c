// Smbios: the OEM strings of a machine's firmware, in which a hypervisor hands over credentials. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace images::setup {

// The strings of all structures of type 11 in a table as /sys/firmware/dmi/tables/DMI has it. A table that is cut or
// damaged gives what stands before the damage.
std::vector<std::string> oem_strings(std::span<const std::byte> table);

// Adds "io.systemd.credential:NAME=TEXT" and "io.systemd.credential.binary:NAME=BASE64" to those, by name; other
// strings, and what is no base64, are passed over. The first of a name counts.
void add_credentials(const std::vector<std::string>& strings, std::map<std::string, std::string>& credentials);

}  // namespace images::setup

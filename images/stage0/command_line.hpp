// The kernel's command line, as it was signed and as it is. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace images::stage0 {

// Compares the command line's words with the sealed ones, because a hypervisor may append to a signed image's command
// line: systemd-stub takes SMBIOS strings, also under Secure Boot. The words must be the same, in the same order, with
// one roothash= of 64 hexadecimal digits. (The root hash is not known yet when the others are sealed.) Returns the root
// hash. Nothing: there is another word; why names it.
std::optional<std::string_view> check_command_line(std::string_view is, std::string_view sealed, std::string& why);

}  // namespace images::stage0

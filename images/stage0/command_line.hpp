// The kernel's command line, as it was signed and as it is. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace images::stage0 {

// A hypervisor may append to a signed image's command line (systemd-stub takes SMBIOS strings, also under Secure Boot),
// so the words are held against those that were signed: the same, in the same order, and one roothash=, of 64
// hexadecimal digits, which is not known yet when the others are sealed. Returns the root hash; nothing, and why says
// which word is wrong, where anything else stands there.
std::optional<std::string_view> check_command_line(std::string_view is, std::string_view sealed, std::string& why);

}  // namespace images::stage0

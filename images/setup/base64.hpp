// Base64, in which credentials and files are handed over (RFC 4648, section 4). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace images::setup {

// Nothing where it holds another character. Padding may be missing.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace images::setup

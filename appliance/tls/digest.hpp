// Digests as text. The library stays behind digest.cpp.
#pragma once

#include <string>
#include <string_view>

namespace appliance::tls {

// SHA-256 of the bytes: 64 hexadecimal digits in lower case. Any thread.
std::string sha256_hex(std::string_view bytes);

}  // namespace appliance::tls

// Trust: whether something was signed by a key that this machine's firmware boots. What may run may also update.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace images::update {

// The X.509 certificates, as DER, of the firmware's variable "db" (UEFI 2.10, section 32.4.1: signature lists). bytes:
// the file of efivarfs; its first four bytes are the variable's attributes. What is cut off or of another kind is left
// out.
std::vector<std::string> certificates_in(std::span<const std::byte> bytes);

// Checks that signature is one of text (RSA or ECDSA with SHA-256) by a key of one of the certificates. Error: none of
// them has signed it; or there is no certificate, because the firmware has no keys yet.
core::Result<void> verify(std::string_view text, std::string_view signature,
                          const std::vector<std::string>& certificates);

}  // namespace images::update

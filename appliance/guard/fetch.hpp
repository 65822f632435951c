// fetch(): one GET over HTTP or HTTPS. The HTTP library stays behind fetch.cpp.
#pragma once

#include <filesystem>
#include <string>

#include "core/base/duration.hpp"
#include "core/base/result.hpp"

namespace appliance::guard {

// Bytes of an answer; more is an error.
inline constexpr std::size_t answer_max = std::size_t{16} << 20;

// The body of a 200. Blocks for timeout at most, but for looking up the name. TLS is verified, with the name, against
// the system's authorities or ca_file's. Redirects are not followed. Errors never hold the URL's query, where secrets
// are: no connection, a certificate that does not hold, another status, too long, too late.
core::Result<std::string> fetch(const std::string& url, core::Milliseconds timeout,
                                const std::filesystem::path& ca_file);

}  // namespace appliance::guard

// fetch(): what a URL holds, by GET over HTTP or HTTPS.
#pragma once

#include <filesystem>
#include <string>

#include "appliance/config/guard.hpp"
#include "core/base/duration.hpp"
#include "core/base/result.hpp"

namespace appliance::guard {

// Bytes of an answer's body and of its head; more is an error.
inline constexpr std::size_t answer_max = std::size_t{16} << 20;
inline constexpr std::size_t answer_head_max = std::size_t{64} << 10;
inline constexpr unsigned redirects_max = 5;

struct Fetched {
    std::string body;
    std::string moved_to;  // the origin that answered in the end, where it is another than was asked; holds no secret
};

// The body of a 200. Blocks for timeout at most: all of it, the name, the connection, redirects, the last byte. TLS is
// verified, with the name, against the system's authorities or ca_file's. Redirects are followed, redirects_max of them
// and never from https to http; user and password are sent as Basic, and not to another origin. Errors hold origins
// only, for secrets are in users, paths and queries alike: no connection, a certificate that does not hold, another
// status, too long, too late. Any thread.
core::Result<Fetched> fetch(const config::Site& site, const std::string& query, core::Milliseconds timeout,
                            const std::filesystem::path& ca_file);

}  // namespace appliance::guard

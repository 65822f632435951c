// Fetch: takes files of an update from a web server. The callers check what they hold.
#pragma once

#include <filesystem>
#include <string>

#include "core/base/result.hpp"
#include "images/update/release.hpp"

namespace images::update {

// Where an update is offered: a folder by http or https, as "https://updates.example.org/gatehouse/".
struct Source {
    std::string server;  // "https://updates.example.org"
    std::string folder;  // "/gatehouse/"

    // Error: it is no such URL.
    static core::Result<Source> parse(std::string_view url);
};

// Both follow redirects, and verify the certificate of an https server against ca_file (empty: the system's
// authorities). They give up after 30 seconds without a byte. With a slow server they may never end: a Watch
// (watch.hpp) bounds that. Error: what the server or the connection said. At most 64 KiB.
core::Result<std::string> fetch_text(const Source& source, const std::string& name, const std::string& ca_file);
// Fetches into folder. The file is there afterwards only with the size and SHA-256 of `file`; no byte more is written.
// Error: also where the file system has no room for it.
core::Result<void> fetch_file(const Source& source, const File& file, const std::string& ca_file,
                              const std::filesystem::path& folder);

}  // namespace images::update

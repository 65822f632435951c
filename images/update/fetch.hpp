// Fetch: takes files of an update from a web server. What they hold is checked by those who ask.
#pragma once

#include <filesystem>
#include <string>

#include "core/base/result.hpp"

namespace images::update {

// Where an update is offered: a folder by http or https, as "https://updates.example.org/gatehouse/".
struct Source {
    std::string server;  // "https://updates.example.org"
    std::string folder;  // "/gatehouse/"

    // Error: it is no such URL.
    static core::Result<Source> parse(std::string_view url);
};

// Both follow redirects, hold the certificate of an https server against ca_file (empty: the system's authorities), and
// give up where nothing comes for 30 seconds. Error: what the server or the connection said.
// At most 64 KiB.
core::Result<std::string> fetch_text(const Source& source, const std::string& name, const std::string& ca_file);
// Into path, which is there afterwards only where its SHA-256 is the one given (64 hexadecimal digits). Error: also
// where the file system has no room for it.
core::Result<void> fetch_file(const Source& source, const std::string& name, const std::string& ca_file,
                              const std::filesystem::path& path, const std::string& sha256);

}  // namespace images::update

// What the loader finds wrong with the text of a file, and the least that a good file has.
#pragma once

#include <string>
#include <vector>

#include "appliance/config/file/load.hpp"

namespace appliance::config {

// Three lines, behind which a section can stand.
inline const std::string good_site =
    "listen.web = { address = \"0.0.0.0:80\", pool = \"app\" }\n"
    "server.web1 = { host = \"10.0.0.11\" }\n"
    "pool.app = { port = 80, servers = [\"web1\"] }\n";

// A line for each, as an operator reads it; the file is g.toml.
inline std::string problems_of(const std::string& text) {
    const auto config = parse(text, "g.toml");
    std::string lines;
    if (!config) {
        for (const Problem& problem : config.error()) {
            lines += problem.text() + "\n";
        }
    }
    return lines;
}

// The same lines one by one, without the file's name.
inline std::vector<std::string> problem_list(const std::string& text) {
    const auto config = parse(text, "g.toml");
    std::vector<std::string> lines;
    if (!config) {
        for (const Problem& problem : config.error()) {
            lines.push_back(problem.text().substr(std::string("g.toml:").size()));
        }
    }
    return lines;
}

}  // namespace appliance::config

// The backends that a command is about, out of GET /v1/status. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "appliance/cli/terminal/view.hpp"

namespace appliance::cli {

struct NamedBackend {
    std::string pool;
    std::string server;
    std::string address;
    const Json* view = nullptr;  // into the status
};

// Those of the named servers; pool: in this one only, else in all. What the status does not have is left out.
std::vector<NamedBackend> named_backends(const Json& status, const std::vector<std::string>& servers,
                                         const std::optional<std::string>& pool);

// Whether visitors of the pool speak HTTP, and so see the page when no server serves them.
bool has_visitors(const Json& status, const std::string& pool);

// "every server is fenced", "every server is down", "1 fenced, 2 down": why no server of the pool serves; empty where
// one does, where an operator shows the page, or where it is not known.
std::string why_nobody_serves(const Json& pool);

// What visitors of the pool meet because no server serves: "visitors see the page: every server is fenced". Empty where
// why_nobody_serves() is.
std::string what_visitors_meet(const Json& status, const Json& pool);

}  // namespace appliance::cli

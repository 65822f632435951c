// Redirects: what the kernel is to do for pools with plane = "kernel", and how status shows it. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "appliance/control/model/record.hpp"
#include "netfilter/model/redirect.hpp"

namespace appliance::control {

// report: the proxy's last. A backend is eligible when its check passes and nothing of it is fenced; a pool in
// maintenance has no eligible backend, because there is no page to show in TCP. before: what was made last. A proxy
// that has just been restarted has no verdict yet: a backend stays what it was before then, and a new one waits for its
// check.
std::vector<netfilter::Redirect> make_redirects(const config::Config& config, const Administration& administration,
                                                const nlohmann::json& report,
                                                std::span<const netfilter::Redirect> before);

// Whether a check of each backend that the kernel serves has told something.
bool all_checked(const config::Config& config, const nlohmann::json& report);

// Puts what the kernel has counted in place of what the proxy, which never saw these connections, has not. active: the
// connections that it passes on to each backend now; of a backend that it does not name, that is not known.
void view_redirects(const config::Config& config, std::span<const netfilter::RedirectCount> counts,
                    const std::map<core::Address, std::uint64_t>& active, nlohmann::ordered_json& status);

}  // namespace appliance::control

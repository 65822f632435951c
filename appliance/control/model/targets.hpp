// Which backends an order means. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "appliance/control/model/record.hpp"
#include "appliance/control/model/refusal.hpp"

namespace appliance::control {

struct Target {
    std::string pool;
    std::string server;
    core::Address address;
};

// The backends of these servers, of one pool or of all. Refused with 404 and the nearest name: an unknown server, an
// unknown pool, a server without a backend there.
Outcome<std::vector<Target>> find_targets(const config::Config& config, const std::vector<std::string>& servers,
                                          const std::optional<std::string>& pool);

// The same; refused with 409 where one has no address, because its server's name has never been resolved.
Outcome<std::vector<Target>> find_fenceable(const config::Config& config, const std::vector<std::string>& servers,
                                            const std::optional<std::string>& pool);

// The addresses of recorded fences that these words mean: servers of the configuration, servers as recorded (they may
// have left the configuration since), or addresses. Refused with 404 where a word means nothing at all; a server that
// is not fenced just adds nothing.
Outcome<std::set<core::Address>> find_fenced(const config::Config& config, const Administration& administration,
                                             const std::vector<std::string>& words,
                                             const std::optional<std::string>& pool);

// The pools meant: that one, or all. Refused with 404.
Outcome<std::vector<std::string>> find_pools(const config::Config& config, const std::optional<std::string>& pool);

// Every (pool, server) with a fenced address, in the order of the configuration.
std::vector<Target> fenced_backends(const config::Config& config, const Administration& administration);

// The weight that counts: the one set by hand, else the configuration's. 1 to 256.
unsigned weight_of(const Administration& administration, const config::Pool& pool, const config::Backend& backend);

// The first backend at an address; null where the configuration has none.
std::optional<Target> backend_at(const config::Config& config, const core::Address& address);

}  // namespace appliance::control

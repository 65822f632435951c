// Bounds: which sockets and redirects control may ask for. Control reads foreign input, so the supervisor does not
// trust it about the configuration, and reads the file itself.
#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <span>

#include "appliance/config/model/config.hpp"
#include "core/base/address.hpp"
#include "core/base/result.hpp"
#include "netfilter/model/redirect_bounds.hpp"

namespace appliance::boot {

class Bounds {
public:
    // Allows what this configuration has. The caller has read it from the file.
    explicit Bounds(const config::Config& config);

    // Whether a configuration that was read here has the address for a listener or the API; or so many servers of that
    // family to probe. Where none has, reads the file again, as after a reload.
    bool allow(const core::Address& address);
    bool allow_probes(bool v6, std::size_t count);
    // The same for redirects with all of their servers. Error: the first one that no configuration has.
    core::Result<void> allow(std::span<const netfilter::Redirect> redirects);

private:
    void take(const config::Config& config);
    void read_again();

    std::filesystem::path file_;
    std::set<core::Address> addresses_;
    std::size_t probes_v4_ = 0;
    std::size_t probes_v6_ = 0;
    netfilter::RedirectBounds redirects_;
};

}  // namespace appliance::boot

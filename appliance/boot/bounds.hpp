// Bounds: what control may have opened. Control is the process that reads foreign input, so what it says of the
// configuration is not enough: the supervisor looks into the file itself.
#pragma once

#include <cstddef>
#include <filesystem>
#include <set>

#include "appliance/config/config.hpp"
#include "core/base/address.hpp"

namespace appliance::boot {

class Bounds {
public:
    // What that configuration names, which the caller has read.
    explicit Bounds(const config::Config& config);

    // Whether a configuration that was read here names the address as one to listen on (a listener, or the API's), or
    // so many servers of that family to probe. Reads the file once more where none does yet, as after a reload.
    bool allow(const core::Address& address);
    bool allow_probes(bool v6, std::size_t count);

private:
    void take(const config::Config& config);
    void read_again();

    std::filesystem::path file_;
    std::set<core::Address> addresses_;
    std::size_t probes_v4_ = 0;
    std::size_t probes_v6_ = 0;
};

}  // namespace appliance::boot

#include "appliance/config/model/forwarding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

namespace appliance::config {
namespace {

bool is_off(const std::filesystem::path& file) {
    std::ifstream in(file);
    char digit = 0;
    return in.get(digit) && digit == '0';  // one that cannot be read says nothing
}

}  // namespace

std::string missing_forwarding(const Pool& pool, const std::filesystem::path& root) {
    for (const bool v4 : {true, false}) {
        const bool needed = std::any_of(pool.backends.begin(), pool.backends.end(), [v4](const Backend& backend) {
            return backend.has_address() && backend.address.is_v4() == v4 && !backend.address.is_loopback();
        });
        const char* file = v4 ? "net/ipv4/ip_forward" : "net/ipv6/conf/all/forwarding";
        const char* name = v4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding";
        if (pool.plane == Plane::kernel && needed && is_off(root / file)) {
            return fmt::format("{} is 0, so the kernel passes nothing on to the backends of '{}': sysctl -w {}=1", name,
                               pool.name, name);
        }
    }
    return {};
}

}  // namespace appliance::config

#include "appliance/cli/check/source_ports.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "appliance/cli/terminal/style.hpp"
#include "core/net/socket.hpp"

namespace appliance::cli {

config::Problems absent_sources(const config::Config& config) {
    config::Problems problems;
    for (const config::Pool& pool : config.pools) {
        for (const core::Address& source : pool.sources) {
            const auto socket = core::net::open_socket(source.family());
            if (socket && core::net::bind_source(socket->get(), source) == -EADDRNOTAVAIL) {
                problems.push_back({.file = config.file.string(),
                                    .what = fmt::format("bad 'source' in [pool.{}]: {} is no address of this machine",
                                                        pool.name, source.host()),
                                    .mend = "write one that `ip address` shows, or add it to an interface"});
            }
        }
    }
    return problems;
}

SourcePorts source_ports(const config::Config& config) {
    std::ifstream range("/proc/sys/net/ipv4/ip_local_port_range");
    std::int64_t first = 0;
    std::int64_t last = 0;
    if (!(range >> first >> last)) {
        return {};
    }
    const std::int64_t ports = last - first + 1;
    SourcePorts found;
    found.text = fmt::format("connections to one server: at most {} (ports {} to {})\n", ports, first, last);
    nlohmann::json pools = nlohmann::json::array();
    for (const config::Pool& pool : config.pools) {
        for (const int family : {AF_INET, AF_INET6}) {
            const auto sources =
                std::count_if(pool.sources.begin(), pool.sources.end(),
                              [family](const core::Address& source) { return source.family() == family; });
            if (sources == 0) {
                continue;
            }
            const std::string_view protocol = family == AF_INET ? "IPv4" : "IPv6";
            found.text += fmt::format("connections of pool {} to one {} server: at most {} (from {} of {} ports)\n",
                                      clean(pool.name), protocol, sources * ports,
                                      sources == 1 ? "1 address" : fmt::format("{} addresses", sources), ports);
            pools.push_back({{"pool", pool.name},
                             {"family", family == AF_INET ? "v4" : "v6"},
                             {"sources", sources},
                             {"connections_per_server", sources * ports}});
        }
    }
    found.json = {{"first", first}, {"last", last}, {"pools", std::move(pools)}};
    return found;
}

}  // namespace appliance::cli

#include "appliance/deploy/visit/server_visit.hpp"

#include <algorithm>

#include "appliance/deploy/visit/front_door.hpp"
#include "core/net/socket.hpp"

namespace appliance::deploy {
Visit server_visit(const config::Config& config, const config::Pool& pool, const config::Recipe& recipe,
                   const std::string& server) {
    Visit visit;
    const auto found = std::find_if(pool.backends.begin(), pool.backends.end(),
                                    [&server](const auto& backend) { return backend.server == server; });
    visit.to = found != pool.backends.end() ? found->address : visit.to;
    visit.host = !recipe.host.empty() ? recipe.host : !pool.host.empty() ? pool.host : pool.check.host;
    visit.headers = !recipe.headers.empty() ? recipe.headers : pool.check.headers;
    visit.proxy_header = pool.proxy_protocol;
    if (const auto* source = core::net::source_of(pool.sources, visit.to.family(), 0); source != nullptr) {
        visit.source = *source;
    }
    visit.http = speaks_http(config, pool);
    visit.answer = config.limits.answer;
    return visit;
}

}  // namespace appliance::deploy

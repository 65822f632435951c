#include "appliance/cli/views/before.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "appliance/cli/views/backends.hpp"

namespace appliance::cli {
namespace {

// What a fence at these addresses takes from one pool.
struct Loss {
    std::vector<std::string> servers;  // fenced by it
    bool could_serve = false;          // one of them can, or may
    bool others_serve = false;
    std::int64_t unknown = 0;  // others of which it is not known whether they can
};

bool may_serve(const std::string& state) {
    return state != "down" && state != "fenced";
}

Loss loss_of(const Json& pool, const std::set<std::string>& addresses) {
    Loss loss;
    for (const Json& backend : items(pool, "backends")) {
        const std::string state = text(backend, "state", "unknown");
        if (text(backend, "address").empty()) {
            continue;  // its name has not been resolved: it cannot serve
        }
        if (addresses.contains(text(backend, "address"))) {
            loss.servers.push_back(text(backend, "server"));
            loss.could_serve = loss.could_serve || may_serve(state);
        } else {
            loss.others_serve = loss.others_serve || state == "up";
            loss.unknown += may_serve(state) && state != "up" ? 1 : 0;
        }
    }
    return loss;
}

std::string last_server_line(const Json& status, const std::string& pool, const Loss& loss) {
    const bool one = loss.servers.size() == 1;
    const char* then =
        has_visitors(status, pool) ? "visitors will see the maintenance page" : "its clients will be turned away";
    return fmt::format("warning: {} {} of {} that can serve{}: {}", fmt::join(loss.servers, ", "),
                       one ? "is the last server" : "are the last servers", pool,
                       loss.unknown == 0 ? "" : fmt::format(" ({} not checked yet)", loss.unknown), then);
}

}  // namespace

Warning before_fence(const Json& status, const Common& common) {
    std::set<std::string> addresses;
    for (const NamedBackend& backend : named_backends(status, common.servers, common.pool)) {
        addresses.insert(backend.address);
    }
    Warning warning;
    for (const Json& pool : items(status, "pools")) {
        const std::string name = text(pool, "name");
        const Loss loss = loss_of(pool, addresses);
        if (loss.servers.empty()) {
            continue;
        }
        if (common.pool && *common.pool != name) {
            warning.lines.push_back(fmt::format("the fence holds in pool {} too: {} has the same address there", name,
                                                fmt::join(loss.servers, ", ")));
        }
        if (loss.could_serve && !loss.others_serve && text(pool, "state") != "maintenance") {
            warning.lines.push_back(last_server_line(status, name, loss));
            warning.asks = true;
        }
    }
    return warning;
}

Warning before_page(const Json& status) {
    std::vector<std::string> pools;
    for (const Json& pool : items(status, "pools")) {
        const std::string name = text(pool, "name");
        pools.push_back(has_visitors(status, name) ? name : name + " (TCP: its clients are turned away)");
    }
    if (pools.size() < 2) {
        return {};
    }
    return {{fmt::format("no pool was named, so this is for all of them: {}", fmt::join(pools, ", "))}, true};
}

Warning before_no_page(const Json& status) {
    std::vector<std::string> pools;
    for (const Json& pool : items(status, "pools")) {
        if (const Json& page = field(pool, "maintenance"); page.is_object()) {
            const std::string why = text(page, "why");
            pools.push_back(fmt::format("{} (by {}{}{})", text(pool, "name"), text(page, "who", "?"),
                                        why.empty() ? "" : ": ", why));
        }
    }
    if (pools.empty()) {
        return {};
    }
    return {{fmt::format("no pool was named, so the page goes from all of them: {}", fmt::join(pools, ", "))}, true};
}

}  // namespace appliance::cli

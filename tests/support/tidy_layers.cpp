// The layers. For a new arrow, ARCHITECTURE.md must first give the reason.
#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "tests/support/tidy.hpp"

namespace tests::support::tidy {
namespace {

using Names = std::vector<std::string_view>;

using Arrows = std::map<std::string, Names, std::less<>>;

// What a folder may include besides itself.
const Arrows arrows{
    {"core/base", {}},
    {"core/io", {"core/base"}},
    {"core/net", {"core/base", "core/io"}},
    {"core/http", {"core/base"}},
    {"core/balance", {"core/base"}},
    {"core/health", {"core/base", "core/io", "core/net", "core/http", "core/balance"}},
    {"core/proxy/config", {"core/base", "core/io", "core/net", "core/http", "core/balance"}},
    {"core/proxy/stats", {"core/base", "core/io", "core/net", "core/http"}},
    {"core/proxy/transfer", {"core/base", "core/io", "core/net", "core/http", "core/proxy/config", "core/proxy/stats"}},
    {"core/proxy/upstream",
     {"core/base", "core/io", "core/net", "core/http", "core/balance", "core/proxy/config", "core/proxy/stats",
      "core/proxy/transfer"}},
    {"core/proxy/session",
     {"core/base", "core/io", "core/net", "core/http", "core/balance", "core/proxy/config", "core/proxy/stats",
      "core/proxy/transfer", "core/proxy/upstream"}},
    {"core/proxy/server",
     {"core/base", "core/io", "core/net", "core/proxy/config", "core/proxy/stats", "core/proxy/upstream",
      "core/proxy/session"}},
    {"netfilter/model", {"core/base"}},
    {"netfilter/protocol", {"core/base", "netfilter/model"}},
    {"netfilter/client", {"core/base", "netfilter/model", "netfilter/protocol"}},
    {"netfilter/netlink", {"core/base"}},
    {"netfilter/expression", {"core/base", "netfilter/model", "netfilter/netlink"}},
    {"netfilter/nft", {"core/base", "netfilter/model", "netfilter/netlink", "netfilter/expression"}},
    {"netfilter/flows", {"core/base", "netfilter/model", "netfilter/netlink"}},
    {"netfilter/kernel", {"core/base", "netfilter/model", "netfilter/netlink", "netfilter/nft", "netfilter/flows"}},
    {"netfilter/fence",
     {"core/base", "netfilter/model", "netfilter/netlink", "netfilter/expression", "netfilter/nft",
      "netfilter/kernel"}},
    {"netfilter/firewall",
     {"core/base", "netfilter/model", "netfilter/netlink", "netfilter/expression", "netfilter/nft",
      "netfilter/kernel"}},
    {"netfilter/redirect",
     {"core/base", "netfilter/model", "netfilter/expression", "netfilter/nft", "netfilter/kernel", "netfilter/fence"}},
    {"netfilter/agent",
     {"core/base", "netfilter/model", "netfilter/protocol", "netfilter/client", "netfilter/nft", "netfilter/fence",
      "netfilter/firewall", "netfilter/redirect"}},
    {"images/stage0", {}},
    {"images/setup", {"core/base"}},
    {"images/update", {"core/base", "appliance/api", "appliance/base"}},
    {"images/console", {"appliance/api", "appliance/base", "images/update"}},
};

// The appliance's rooms may include all of core, netfilter and each other, and check_cycles keeps them in order. Of the
// folders of its own room, a folder may include those that are listed here.
const Arrows appliance_arrows{
    {"appliance/boot/process", {}},
    {"appliance/boot/confine", {"appliance/boot/process"}},
    {"appliance/boot/supervisor", {"appliance/boot/process", "appliance/boot/confine"}},
    {"appliance/boot/proxy", {"appliance/boot/process", "appliance/boot/confine"}},
    {"appliance/boot",
     {"appliance/boot/process", "appliance/boot/confine", "appliance/boot/supervisor", "appliance/boot/proxy"}},
    {"appliance/config/values", {}},
    {"appliance/config/model", {"appliance/config/values"}},
    {"appliance/config/file", {"appliance/config/values", "appliance/config/model"}},
    {"appliance/deploy/visit", {}},
    {"appliance/deploy", {"appliance/deploy/visit"}},
    {"appliance/guard/calendar", {}},
    {"appliance/guard", {"appliance/guard/calendar"}},
    {"appliance/cli/terminal", {}},
    {"appliance/cli/client", {"appliance/cli/terminal"}},
    {"appliance/cli/check", {"appliance/cli/terminal"}},
    {"appliance/cli/views", {"appliance/cli/terminal", "appliance/cli/client"}},
    {"appliance/cli/deploy", {"appliance/cli/terminal", "appliance/cli/client", "appliance/cli/views"}},
    {"appliance/cli/commands",
     {"appliance/cli/terminal", "appliance/cli/client", "appliance/cli/check", "appliance/cli/views",
      "appliance/cli/deploy"}},
    {"appliance/cli", {"appliance/cli/terminal", "appliance/cli/client"}},
    {"appliance/control",
     {"appliance/control/model", "appliance/control/link", "appliance/control/state", "appliance/control/observe",
      "appliance/control/sync", "appliance/control/orders", "appliance/control/configuration",
      "appliance/control/engine", "appliance/control/routes"}},
    {"appliance/control/model", {}},
    {"appliance/control/diagnose", {}},
    {"appliance/control/link", {"appliance/control/model"}},
    {"appliance/control/state", {"appliance/control/model"}},
    {"appliance/control/observe", {"appliance/control/model", "appliance/control/link"}},
    {"appliance/control/sync",
     {"appliance/control/model", "appliance/control/link", "appliance/control/state", "appliance/control/observe"}},
    {"appliance/control/orders", {"appliance/control/model", "appliance/control/observe", "appliance/control/sync"}},
    {"appliance/control/configuration",
     {"appliance/control/model", "appliance/control/state", "appliance/control/observe", "appliance/control/sync"}},
    {"appliance/control/engine",
     {"appliance/control/link", "appliance/control/observe", "appliance/control/sync", "appliance/control/orders",
      "appliance/control/configuration"}},
    {"appliance/control/routes",
     {"appliance/control/model", "appliance/control/state", "appliance/control/observe", "appliance/control/diagnose",
      "appliance/control/engine"}},
};

// Null where the folder has no place in the layers.
const Names* arrows_of(const std::string& folder) {
    const Arrows& listed = folder.starts_with("appliance/") ? appliance_arrows : arrows;
    const auto found = listed.find(folder);
    return found == listed.end() ? nullptr : &found->second;
}

struct Library {
    std::string_view header;  // how its headers' names begin
    std::string_view home;    // the only folder that includes them
    std::string_view also{};  // but for this one
};
constexpr Library libraries[] = {
    {"liburing", "core/io"},
    {"libnftnl/", "netfilter"},
    {"libmnl/", "netfilter"},
    {"toml++/", "appliance/config"},
    {"CLI/", "appliance/cli"},
    {"sqlite3.h", "appliance/state"},
    {"nlohmann/", "appliance/", "images/"},
    {"httplib.h", "appliance/", "images/update"},
    {"seccomp.h", "appliance/boot"},
    {"pcre2.h", "appliance/deploy"},
    {"cap-ng.h", "appliance/boot"},
    {"openssl/", "appliance/", "images/"},
    {"yaml-cpp/", "images/setup"},
};

bool is_ours(std::string_view include) {
    return is_product(include) || include.starts_with("tests/") || include.starts_with("bench/");
}

// "appliance/cli" of "appliance/cli/terminal": the room that a folder belongs to.
std::string_view room_above(std::string_view folder) {
    const auto first = folder.find('/');
    return folder.substr(0, first == std::string_view::npos ? first : folder.find('/', first + 1));
}

bool may_include(const std::string& from, const std::string& to) {
    if (from == to) {
        return true;
    }
    if (from.starts_with("appliance") && room_above(from) != room_above(to)) {
        // Of the command line the others see its entry alone.
        return is_product(to + "/") && !to.starts_with("appliance/cli/");
    }
    const Names* const listed = arrows_of(from);
    return listed != nullptr && std::find(listed->begin(), listed->end(), to) != listed->end();
}

using Graph = std::map<std::string, std::set<std::string>>;

// The first way round that a depth-first walk meets, as "a -> b -> a"; empty when there is none.
std::string find_cycle(const Graph& graph) {
    std::map<std::string, int> colour;  // 1: on the way, 2: done
    std::vector<std::string> way;
    std::string cycle;
    const std::function<bool(const std::string&)> visit = [&](const std::string& node) {
        if (colour[node] == 2) {
            return false;
        }
        if (colour[node] == 1) {
            for (auto at = std::find(way.begin(), way.end(), node); at != way.end(); ++at) {
                cycle += *at + " -> ";
            }
            cycle += node;
            return true;
        }
        colour[node] = 1;
        way.push_back(node);
        if (const auto edges = graph.find(node); edges != graph.end()) {
            if (std::any_of(edges->second.begin(), edges->second.end(), visit)) {
                return true;
            }
        }
        way.pop_back();
        colour[node] = 2;
        return false;
    };
    static_cast<void>(std::any_of(graph.begin(), graph.end(), [&](const auto& entry) { return visit(entry.first); }));
    return cycle;
}

}  // namespace

Findings check_arrows(const Source& source) {
    Findings findings;
    if (!is_product(source.path)) {
        return findings;
    }
    const std::string room = room_of(source.path);
    if ((!room.starts_with("appliance") || room != room_above(room)) && arrows_of(room) == nullptr) {
        findings.push_back(finding(source, 1, "the room " + room + " has no place in the layers"));
    }
    for (const Include& include : includes_of(source)) {
        if (is_ours(include.name) && !may_include(room, room_of(include.name))) {
            findings.push_back(finding(source, include.line, room + " must not include " + include.name));
        }
    }
    return findings;
}

Findings check_third_party(const Source& source) {
    Findings findings;
    if (!is_product(source.path)) {
        return findings;
    }
    for (const Include& include : includes_of(source)) {
        for (const Library& library : libraries) {
            const bool at_home = source.path.starts_with(library.home) ||
                                 (!library.also.empty() && source.path.starts_with(library.also));
            if (include.name.starts_with(library.header) && !at_home) {
                findings.push_back(
                    finding(source, include.line, include.name + " belongs to " + std::string(library.home)));
            }
        }
    }
    return findings;
}

Findings check_cycles(const std::vector<Source>& tree) {
    Graph files;
    Graph rooms;
    for (const Source& source : tree) {
        for (const Include& include : includes_of(source)) {
            if (!is_ours(include.name)) {
                continue;
            }
            files[source.path].insert(include.name);
            if (is_product(source.path) && room_of(source.path) != room_of(include.name)) {
                rooms[room_of(source.path)].insert(room_of(include.name));
            }
        }
    }
    Findings findings;
    for (const Graph* graph : {&files, &rooms}) {
        if (const std::string cycle = find_cycle(*graph); !cycle.empty()) {
            findings.push_back("includes go round: " + cycle);
        }
    }
    return findings;
}

}  // namespace tests::support::tidy

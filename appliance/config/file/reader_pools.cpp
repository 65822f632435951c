// [server.*], [pool.*] and [listen.*]: servers, the pools of them, and the listeners before the pools.
#include <fmt/format.h>

#include <algorithm>

#include "appliance/config/file/from_file.hpp"
#include "appliance/config/file/reader.hpp"
#include "appliance/config/model/fields.hpp"
#include "appliance/config/model/resolve.hpp"
#include "appliance/config/values/nearest.hpp"

namespace appliance::config {
namespace {

using namespace std::chrono_literals;

template <typename Item>
std::vector<std::string_view> names_of(const std::vector<Item>& items) {
    std::vector<std::string_view> names;
    for (const Item& item : items) {
        names.push_back(item.name);
    }
    return names;
}

// A name of the DNS, or of /etc/hosts. Its last label begins with a letter. So no name is one that resolvers would take
// for an address ("10.0.0.256", "0x7f000001").
bool is_dns_name(std::string_view text) {
    constexpr std::size_t label_bytes = 63;
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const auto plain = [&letter](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_'; };
    std::string_view rest = text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
    if (rest.empty() || rest.size() > Bounds::dns_name_bytes) {
        return false;
    }
    for (;;) {
        const std::string_view label = rest.substr(0, rest.find('.'));
        if (label.empty() || label.size() > label_bytes || label.starts_with('-') || label.ends_with('-') ||
            !std::all_of(label.begin(), label.end(), plain)) {
            return false;
        }
        if (label.size() == rest.size()) {
            return letter(label.front());
        }
        rest.remove_prefix(label.size() + 1);
    }
}

}  // namespace

void Reader::read_server(const std::string& name, Section& section) {
    Server server{.name = name, .host = {}};
    if (const auto host = section.required_text("host", "host = \"10.0.0.11\""); !host.empty()) {
        const auto address = core::Address::parse_host(host, 0);
        if (!address && is_dns_name(host)) {
            server.dns_name = host;
        } else if (!address) {
            section.complain("host", address.error().what,
                             "write an address such as 10.0.0.11, or a name such as web1.example.org");
        } else if (is_unspecified(*address)) {
            section.complain("host", fmt::format("'{}' is no machine's address", host),
                             "write the address of the server itself");
        } else {
            server.host = *address;
        }
    }
    if (section.find("resolve") != nullptr && server.host != core::Address()) {
        section.complain("resolve", "'host' is an address, and no name to look up", "leave it out");
    }
    server.resolve = section.duration("resolve", server.resolve, 1s, 1h);
    const auto names = std::count_if(config_.servers.begin(), config_.servers.end(),
                                     [](const Server& each) { return !each.dns_name.empty(); });
    if (!server.dns_name.empty() && static_cast<std::size_t>(names) == Bounds::dns_names) {
        section.complain("host", fmt::format("more than {} servers are given by names", Bounds::dns_names),
                         "write the address of this one");
    }
    config_.servers.push_back(std::move(server));
}

void Reader::read_pool(const std::string& name, Section& section) {
    Pool pool;
    pool.name = name;
    pool.port = static_cast<std::uint16_t>(section.number("port", 0, 1, 65535));
    each_field<core::proxy::PoolSettings>(pool, FromFile(section));
    check_host(section, pool);
    check_cookie_name(section, pool);
    if (pool.hold > 0ms && pool.queue == 0) {
        section.complain("hold", "held requests wait in the pool's queue, and queue = 0 lets nobody wait",
                         "leave it out, or raise 'queue'");
    }
    if (pool.slow_start > 0ms && pool.balance == Balance::source_hash) {
        section.complain("slow_start", "source_hash gives each client its server, whatever that is used to",
                         "leave it out, or use another 'balance'");
    }
    if (const Entry* check = section.find("check"); check != nullptr) {
        read_check(name, *check, pool.check);
    }
    read_backends(section, pool);
    check_sources(section, pool);
    read_plane(section, pool);
    config_.pools.push_back(std::move(pool));
}

void Reader::read_backends(Section& section, Pool& pool) {
    const Entry* servers = section.find("servers");
    if (servers == nullptr) {
        section.miss("servers", "servers = [\"web1\"]");
        return;
    }
    if (servers->value.kind == Kind::list && servers->value.list.empty()) {
        report_.add(servers->value.at, fmt::format("{} has no servers", section.name()), "add servers = [\"web1\"]");
        return;
    }
    if (servers->value.kind != Kind::list) {
        section.complain("servers", fmt::format("it is {}", print(servers->value.kind)), "write servers = [\"web1\"]");
        return;
    }
    if (servers->value.list.size() > Bounds::backends) {
        section.complain("servers", fmt::format("{} servers are too many", servers->value.list.size()),
                         fmt::format("at most {} are allowed in a pool", Bounds::backends));
        return;
    }
    for (const Node& node : servers->value.list) {
        read_backend(node, pool);
    }
    const bool own_ports = std::all_of(servers->value.list.begin(), servers->value.list.end(), [](const Node& node) {
        return std::any_of(node.table.begin(), node.table.end(),
                           [](const Entry& entry) { return entry.key == "port"; });
    });
    if (section.find("port") == nullptr && !own_ports) {
        section.miss("'port'", "port = 80");
    }
}

// After the pool's backends are known.
void Reader::check_sources(Section& section, const Pool& pool) {
    for (const core::Address& source : pool.sources) {
        const bool useful = pool.backends.empty() ||
                            std::any_of(pool.backends.begin(), pool.backends.end(), [&](const Backend& backend) {
                                return !backend.has_address() || backend.address.family() == source.family();
                            });
        if (!useful) {
            section.complain("source",
                             fmt::format("no server of the pool has an IPv{} address, as {} is", source.is_v4() ? 4 : 6,
                                         source.host()),
                             "leave it out, or write an address of the servers' family");
        }
    }
}

void Reader::read_backend(const Node& node, Pool& pool) {
    if (node.kind == Kind::text) {
        Backend backend;
        backend.server = node.text;
        backend.address = core::Address().with_port(pool.port);
        add_backend(node.at, std::move(backend), pool);
        return;
    }
    if (node.kind != Kind::table) {
        report_.add(node.at, fmt::format("bad server in [pool.{}]: it is {}", pool.name, print(node.kind)),
                    "write \"web1\" or { name = \"web1\", weight = 2 }");
        return;
    }
    Section section(node, node.at, fmt::format("a server of [pool.{}]", pool.name), report_);
    Backend backend;
    backend.server = section.required_text("name", "name = \"web1\"");
    each_field<core::proxy::BackendSettings>(backend, FromFile(section));
    backend.address =
        core::Address().with_port(static_cast<std::uint16_t>(section.number("port", pool.port, 1, 65535)));
    section.close();
    if (!backend.server.empty()) {
        add_backend(section.at("name"), std::move(backend), pool);
    }
}

void Reader::add_backend(Position at, Backend backend, Pool& pool) {
    const Server* server = config_.server(backend.server);
    if (server == nullptr) {
        report_.add(at, fmt::format("unknown server '{}' in [pool.{}]", backend.server, pool.name),
                    suggest(backend.server, names_of(config_.servers), "servers"));
        return;
    }
    backend.address = server->host.with_port(backend.address.port());
    // A host that was refused is 0.0.0.0 here, as a name is: what was said already must not count as a second problem.
    const auto twin = std::find_if(pool.backends.begin(), pool.backends.end(), [&](const Backend& other) {
        return other.address == backend.address && (other.has_address() || other.server == backend.server);
    });
    if (twin != pool.backends.end()) {
        report_.add(
            at,
            fmt::format("'{}' in [pool.{}] is {} again, as '{}' is", backend.server, pool.name,
                        server->dns_name.empty() ? backend.address.text()
                                                 : fmt::format("{}:{}", server->dns_name, backend.address.port()),
                        twin->server),
            "leave one of the two out, or give it a port of its own");
        return;
    }
    pool.backends.push_back(std::move(backend));
}

void Reader::read_listener(const std::string& name, Section& section) {
    Listener listener;
    listener.name = name;
    read_listener_address(section, listener);
    listener.pool = section.required_text("pool", "pool = \"app\"");
    if (!listener.pool.empty() && config_.pool(listener.pool) == nullptr) {
        report_.add(section.at("pool"), fmt::format("unknown pool '{}' in {}", listener.pool, section.name()),
                    suggest(listener.pool, names_of(config_.pools), "pools"));
    }
    each_field<core::proxy::ListenerSettings>(listener, FromFile(section));
    check_trusted(section, listener);
    check_http_fields(section, listener);
    read_routes(section, listener);
    check_plane(section, listener);
    check_cookie(section, listener);
    config_.listeners.push_back(std::move(listener));
}

void Reader::check_trusted(Section& section, const Listener& listener) {
    if (listener.proxy_protocol && section.find("trusted") == nullptr) {
        section.miss("'trusted', so anybody could claim to be anybody by a PROXY header",
                     "trusted = [\"10.0.0.0/8\"], the load balancers before this one");
    }
}

void Reader::read_listener_address(Section& section, Listener& listener) {
    const auto text = section.required_text("address", "address = \"0.0.0.0:80\"");
    if (text.empty()) {
        return;
    }
    const auto address = core::Address::parse(text);
    if (!address) {
        section.complain("address", address.error().what, address.error().mend);
        return;
    }
    if (address->port() == 0) {
        section.complain("address", "port 0 is no port to listen on", "write a port from 1 to 65535");
        return;
    }
    const auto twin = std::find_if(config_.listeners.begin(), config_.listeners.end(),
                                   [&](const Listener& other) { return other.address == *address; });
    if (twin != config_.listeners.end()) {
        section.complain("address", fmt::format("[listen.{}] listens on {} already", twin->name, address->text()),
                         "give each listener an address or a port of its own");
    }
    listener.address = *address;
    refuse_loop(section.at("address"), listener);
}

void Reader::refuse_loop(Position at, const Listener& listener) {
    for (const Pool& pool : config_.pools) {
        for (const Backend& backend : pool.backends) {
            if (leads_back(listener, backend)) {
                report_.add(at,
                            fmt::format("[listen.{}] takes the address of backend '{}' of [pool.{}], {}", listener.name,
                                        backend.server, pool.name, backend.address.text()),
                            "a request would go round in circles: change one of the two");
            }
        }
    }
}

}  // namespace appliance::config

// plane and masquerade of a pool: whether the proxy or the kernel itself hands its connections on.
#include <fmt/format.h>

#include <algorithm>

#include "appliance/config/file/reader.hpp"
#include "appliance/config/model/words.hpp"

namespace appliance::config {

// After the pool's backends are known.
void Reader::read_plane(Section& section, Pool& pool) {
    pool.plane = section.choice("plane", Plane::proxy, plane_words);
    const bool in_kernel = pool.plane == Plane::kernel;
    if (section.find("masquerade") != nullptr && !in_kernel) {
        section.complain("masquerade", "it is for plane = \"kernel\" alone", "leave it out, or add plane = \"kernel\"");
    }
    pool.masquerade = section.flag("masquerade", true);
    if (in_kernel && pool.balance == Balance::least_connections) {
        section.complain("balance", "the kernel does not count a backend's connections",
                         "use round_robin, random_two or source_hash, or plane = \"proxy\"");
    }
    const bool limited = std::any_of(pool.backends.begin(), pool.backends.end(),
                                     [](const Backend& backend) { return backend.max_connections != 0; });
    if (in_kernel && pool.backends.size() > Bounds::kernel_backends) {
        section.complain("plane",
                         fmt::format("the kernel shares connections among at most {} servers, and {} stand here",
                                     Bounds::kernel_backends, pool.backends.size()),
                         "make two pools of it, or use plane = \"proxy\"");
    }
    if (in_kernel && limited) {
        section.complain("plane", "the kernel does not count a backend's connections",
                         "leave max_connections out, or use plane = \"proxy\"");
    }
    if (in_kernel && pool.proxy_protocol != ProxyProtocol::none) {
        section.complain("proxy_protocol", "the kernel adds nothing to what a client sends",
                         "leave it out (masquerade = false shows servers the client), or use plane = \"proxy\"");
    }
    if (in_kernel && section.find("abort_on_close") != nullptr) {
        section.complain("abort_on_close", "the kernel passes on whatever a client sends or ends",
                         "leave it out, or use plane = \"proxy\"");
    }
    if (in_kernel && pool.backend_timeout.count() > 0) {
        section.complain("backend_timeout", "the kernel waits for no answer", "leave it out, or use plane = \"proxy\"");
    }
    if (in_kernel && section.find("source") != nullptr) {
        section.complain("source", "the kernel chooses the address that it forwards from",
                         "leave it out, or use plane = \"proxy\"");
    }
    if (in_kernel && pool.slow_start.count() > 0) {
        section.complain("slow_start", "the kernel gives every server its whole share at once",
                         "leave it out, or use plane = \"proxy\"");
    }
    for (const char* key : {"queue", "queue_timeout", "hold"}) {
        if (in_kernel && section.find(key) != nullptr) {
            section.complain(key, "nobody waits in a queue of the kernel's", "leave it out, or use plane = \"proxy\"");
        }
    }
}

// A listener of a pool that the kernel serves.
void Reader::check_plane(Section& section, const Listener& listener) {
    const Pool* pool = config_.pool(listener.pool);
    if (pool == nullptr || pool->plane != Plane::kernel) {
        return;
    }
    if (listener.mode != Mode::tcp) {
        report_.add(section.at("pool"),
                    fmt::format("[pool.{}] has plane = \"kernel\", which knows no HTTP", listener.pool),
                    "write mode = \"tcp\", or give the listener a pool with plane = \"proxy\"");
    }
    if (listener.proxy_protocol) {
        section.complain("proxy_protocol",
                         fmt::format("[pool.{}] has plane = \"kernel\", which reads none", pool->name),
                         "leave it out, or give the listener a pool with plane = \"proxy\"");
    }
    const bool mixed = std::any_of(pool->backends.begin(), pool->backends.end(), [&](const Backend& backend) {
        return backend.has_address() && backend.address.family() != listener.address.family();
    });
    if (mixed) {
        section.complain("address",
                         fmt::format("the kernel cannot lead from {} to an address of another family in [pool.{}]",
                                     listener.address.text(), listener.pool),
                         "give IPv4 and IPv6 a listener and a pool each, or use plane = \"proxy\"");
    }
}

// Routes are for HTTP, which the kernel cannot read.
void Reader::check_route_plane(Section& section, const std::string& name) {
    if (const Pool* pool = config_.pool(name); pool != nullptr && pool->plane == Plane::kernel) {
        report_.add(section.at("pool"), fmt::format("[pool.{}] has plane = \"kernel\", which knows no HTTP", name),
                    "give the route a pool with plane = \"proxy\"");
    }
}

}  // namespace appliance::config

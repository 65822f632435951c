// Config: everything the file says, as plain values with the defaults filled in and every name resolved. What is in a
// Config has been checked (load.hpp); its readers do not check again. Values compare, so that a reload can tell what
// has changed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/config/model/guard.hpp"
#include "appliance/config/model/recipe.hpp"
#include "appliance/config/model/remote.hpp"
#include "core/base/address.hpp"
#include "core/base/duration.hpp"
#include "core/base/network.hpp"
#include "core/health/check.hpp"
#include "core/http/parser.hpp"
#include "core/proxy/config/snapshot.hpp"

namespace appliance::config {

// What the data plane is told stands in its own structures; here is what is beside them. The words of each enum are
// those of the file; print() gives them back.
using core::balance::Balance;
using core::health::CheckType;
using core::proxy::Limits;
using core::proxy::Mode;
using core::proxy::Timeouts;
using ProxyProtocol = core::net::ProxyVersion;
enum class Plane { proxy, kernel };
enum class FenceMode { reset, icmp, drop };
enum class ZeroCopy { automatic, off };

std::string_view print(Mode mode) noexcept;
std::string_view print(Balance balance) noexcept;
std::string_view print(Role role) noexcept;
std::string_view print(Plane plane) noexcept;
std::string_view print(FenceMode mode) noexcept;
std::string_view print(CheckType type) noexcept;
std::string_view print(GuardKind kind) noexcept;

using Listener = core::proxy::ListenerSpec;

struct Server {
    std::string name;
    core::Address host;                  // port 0: the port belongs to the backend; 0.0.0.0: none is known yet
    std::string dns_name{};              // that host was found by; empty: the file says the address itself
    core::Milliseconds resolve{30'000};  // how often the name is looked up

    friend bool operator==(const Server&, const Server&) = default;
};

// How a pool's backends are probed. A pool without a check is probed by TCP connect: a backend without a passed check
// is never eligible.
struct Check : core::health::Check {
    Check() { type = CheckType::tcp; }
    std::uint32_t passive_fall = 0;  // failures of visitors' exchanges in a row until down; 0: they do not count

    friend bool operator==(const Check&, const Check&) = default;
};

struct Backend : core::proxy::BackendSettings {
    std::string server;
    core::Address address;  // 0.0.0.0 with its port while its server has none

    // False until the name of its server has been resolved once: until then it gets no checks, no visitors and no
    // fence.
    [[nodiscard]] bool has_address() const noexcept;

    friend bool operator==(const Backend&, const Backend&) = default;
};

struct Pool : core::proxy::PoolSettings {
    std::string name;
    std::uint16_t port = 0;
    Check check;
    std::vector<Backend> backends;  // at least one, in the order of the file
    Plane plane = Plane::proxy;     // it hands connections on; kernel: only those of listeners with mode tcp
    bool masquerade = true;         // kernel only: backends see our address, not the client's

    friend bool operator==(const Pool&, const Pool&) = default;
};

struct Maintenance {
    std::filesystem::path page;  // empty: the built-in page
    std::string bytes;           // what the page held when it was loaded
    core::Milliseconds retry_after{120'000};
    // Visitors with any of these see the site behind a page that was put on.
    std::vector<core::Network> bypass;
    std::string bypass_cookie;     // "name=value"; empty: none
    std::string bypass_header;     // "Name: value"; empty: none
    std::string timezone = "UTC";  // of the announced end, as the page says it

    friend bool operator==(const Maintenance&, const Maintenance&) = default;
};

struct Control {
    std::filesystem::path socket = "/run/gatehouse/control.sock";
    std::filesystem::path state = "/var/lib/gatehouse";
    std::optional<Remote> remote{};  // none: only the socket

    friend bool operator==(const Control&, const Control&) = default;
};

struct Proxy {
    unsigned workers = 0;                      // 0: one per CPU
    std::string user = "gatehouse";            // named in the file: exists; the default may not
    ZeroCopy zero_copy = ZeroCopy::automatic;  // off: every body byte is copied
    core::Milliseconds drain{30'000};          // on SIGTERM, how long exchanges may still take
    core::Milliseconds relay_drain{30'000};    // and relays, which may last for ever; at most drain

    friend bool operator==(const Proxy&, const Proxy&) = default;
};

struct Log {
    bool exchanges = true;  // one line of JSON per exchange or relay

    friend bool operator==(const Log&, const Log&) = default;
};

// The appliance's own firewall: which sources may reach it. Off unless the file says otherwise.
struct Firewall {
    struct Rate {
        unsigned count = 0;  // 0: no limit
        unsigned unit = 1;   // seconds: 1, 60 or 3600
        friend bool operator==(const Rate&, const Rate&) = default;
    };
    bool enabled = false;
    std::vector<core::Network> management;            // they reach management_ports
    std::vector<std::uint16_t> management_ports{22};  // ascending, with that of the API; none a listener's
    unsigned connections_per_source = 0;              // open at once to the listeners; 0: no limit
    Rate new_per_source;                              // connections to the listeners
    core::Milliseconds confirm{60'000};               // how long a change waits for `gatehouse firewall confirm`

    friend bool operator==(const Firewall&, const Firewall&) = default;
};

// Whether two versions of the site can work at the same time after a breaking change of its schema.
enum class Database : std::uint8_t { single_master, multi_master };

struct Config {
    std::filesystem::path file;
    std::vector<Listener> listeners;  // at least one; each list in the order of the file
    std::vector<Server> servers;
    std::vector<Pool> pools;
    std::vector<Recipe> recipes;
    std::vector<Guard> guards;
    Database database = Database::single_master;
    Maintenance maintenance;
    FenceMode fence_mode = FenceMode::reset;
    Firewall firewall;
    Control control;
    std::vector<Access> access;  // to the API on TCP
    Proxy proxy;
    Timeouts timeouts;
    Limits limits;
    Log log;

    // By name; null where there is none.
    [[nodiscard]] const Pool* pool(std::string_view name) const noexcept;
    [[nodiscard]] const Server* server(std::string_view name) const noexcept;
    [[nodiscard]] const Recipe* recipe(std::string_view name) const noexcept;
    // True when the kernel hands its connections on: then no socket listens there.
    [[nodiscard]] bool in_kernel(const Listener& listener) const noexcept;

    friend bool operator==(const Config&, const Config&) = default;
};

// What a file may hold at most. Bounds are fixed at load, so that nothing behind them grows without one.
struct Bounds {
    static constexpr std::size_t file_bytes = std::size_t{1} << 20;
    static constexpr std::size_t page_bytes = std::size_t{1} << 20;
    static constexpr std::size_t listeners = 256;
    static constexpr std::size_t routes = 256;       // of one listener
    static constexpr std::size_t route_bytes = 255;  // of a host or a path
    static constexpr std::size_t servers = 1024;
    static constexpr std::size_t dns_names = 256;       // servers that are given by a name
    static constexpr std::size_t dns_name_bytes = 253;  // RFC 1035 2.3.4, as text, without the root's dot
    static constexpr std::size_t pools = 256;
    static constexpr std::size_t backends = 1024;        // of one pool
    static constexpr std::size_t kernel_backends = 256;  // of one in the kernel: one for each of its slots
    static constexpr std::size_t headers = 16;           // of one check
    static constexpr std::size_t header_bytes = 1024;    // of one of them
    static constexpr std::size_t recipes = 64;
    static constexpr std::size_t guards = 32;
    static constexpr std::size_t access = 256;
    static constexpr std::size_t name_bytes = 63;
    static constexpr std::size_t cookie_bytes = 64;   // of its name
    static constexpr std::size_t bypass_bytes = 256;  // "name=value"
    static constexpr std::size_t socket_bytes = 107;  // sun_path without its NUL, unix(7)
    static constexpr std::int64_t workers = 1024;
    static constexpr std::int64_t sessions = 1'000'000;
    static constexpr std::int64_t body_rate = 1'000'000;
    static constexpr std::uint64_t head = core::http::head_max;
    static constexpr std::int64_t fields = core::http::Fields::capacity;
    static constexpr std::uint64_t chunk_extension = 16 * 1024;
    static constexpr std::uint64_t trailers = 64 * 1024;
    static constexpr std::int64_t weight = 256;
    static constexpr std::int64_t max_connections = 1'000'000;
    static constexpr std::int64_t queue = 65'536;
    static constexpr std::size_t management = 64;  // ports
    static constexpr std::size_t networks = 64;    // of one list
    static constexpr std::size_t sources = 64;     // of one pool
    static constexpr std::int64_t connections_per_source = 1'000'000;
    static constexpr std::int64_t new_per_source = 1'000'000;
    static constexpr std::int64_t streak = 100;  // fall, rise and passive_fall
};

}  // namespace appliance::config

// Config: everything the file says, as plain values with the defaults filled in and every name resolved. What is in a
// Config has been checked (load.hpp); nobody behind it checks again. Values compare, so that a reload can tell what
// has changed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/config/guard.hpp"
#include "appliance/config/recipe.hpp"
#include "appliance/config/remote.hpp"
#include "core/balance/route.hpp"
#include "core/base/address.hpp"
#include "core/base/duration.hpp"
#include "core/base/network.hpp"
#include "core/http/parser.hpp"
#include "core/http/status.hpp"

namespace appliance::config {

// The words of each enum are those of the file; print() gives them back.
enum class Mode { http, tcp };
enum class Balance { round_robin, least_connections, random_two, source_hash };
enum class Plane { proxy, kernel };
enum class FenceMode { reset, icmp, drop };
enum class CheckType { http, tcp };
enum class ZeroCopy { automatic, off };
enum class ProxyProtocol { off, v1, v2 };
enum class Proto { http, https };

std::string_view print(Mode mode) noexcept;
std::string_view print(Balance balance) noexcept;
std::string_view print(Role role) noexcept;
std::string_view print(Plane plane) noexcept;
std::string_view print(FenceMode mode) noexcept;
std::string_view print(CheckType type) noexcept;
std::string_view print(GuardKind kind) noexcept;
std::string_view print(ProxyProtocol version) noexcept;
std::string_view print(Proto proto) noexcept;

struct Listener {
    std::string name;
    core::Address address;
    Mode mode = Mode::http;
    std::string pool;                            // of what no route takes
    std::vector<core::balance::Route> routes{};  // http only; in the order of the file, which is that of matching
    std::vector<core::Network> trusted{};        // whose word is taken for where a connection or request comes from
    bool proxy_protocol = false;                 // they, and nobody else, connect, with a PROXY header

    Proto proto = Proto::http;  // http only: what visitors have used, where it ended before it comes here
    bool forwarded = false;     // http only, like the next two: what requests get beside X-Forwarded-*
    bool via = false;
    bool request_id = false;  // kept from trusted peers, else made

    friend bool operator==(const Listener&, const Listener&) = default;
};

struct Server {
    std::string name;
    core::Address host;                  // port 0: the port belongs to the backend; 0.0.0.0: none is known yet
    std::string dns_name{};              // that host was found by; empty: the file says the address itself
    core::Milliseconds resolve{30'000};  // how often the name is looked up

    friend bool operator==(const Server&, const Server&) = default;
};

// How a pool's backends are probed. A pool without a check is probed by TCP connect, because a backend that was never
// seen well is never eligible.
struct Check {
    CheckType type = CheckType::tcp;
    std::uint16_t port = 0;       // that is asked; 0: the backend's own
    std::string method = "HEAD";  // http only, like the next four
    std::string path = "/";
    std::string host;                  // the Host header; empty: the backend's address
    std::vector<std::string> headers;  // more, each "Name: value"; visits of deploys send them too
    core::http::StatusSet expect;
    core::Milliseconds interval{2000};
    core::Milliseconds timeout{1000};  // never above interval
    unsigned fall = 2;                 // failures in a row until down
    unsigned rise = 1;                 // passes in a row until up
    unsigned passive_fall = 0;         // failures of visitors' exchanges in a row until down; 0: they do not count

    friend bool operator==(const Check&, const Check&) = default;
};

struct Backend {
    std::string server;
    core::Address address;  // 0.0.0.0 with its port while its server has none
    unsigned weight = 1;
    unsigned max_connections = 0;  // exchanges and relays in flight, all workers together; 0: no limit
    bool backup = false;           // used when no other backend of the pool is eligible

    // Not while the name of its server has never been resolved: nobody can ask it or be sent there, and no fence can
    // stand there.
    [[nodiscard]] bool has_address() const noexcept;

    friend bool operator==(const Backend&, const Backend&) = default;
};

struct Pool {
    std::string name;
    std::uint16_t port = 0;
    Balance balance = Balance::round_robin;
    std::string cookie;                                 // that keeps a client on its server; empty: none does
    std::string host;                                   // what servers get as Host; empty: what the client sent
    ProxyProtocol proxy_protocol = ProxyProtocol::off;  // what its servers are told by
    bool abort_on_close = false;              // a client that has finished sending and waits for its answer has left
    std::vector<core::Address> sources;       // that connections to its servers leave from, in turn; port 0
    unsigned queue = 1024;                    // how many may wait while every server is at its limit; 0: nobody
    core::Milliseconds queue_timeout{5'000};  // and how long each of them
    core::Milliseconds hold{0};               // how long all servers may be out until visitors see the page; 0: not
    core::Milliseconds slow_start{0};         // until a server that has come up has its whole share; 0: at once
    Check check;
    std::vector<Backend> backends;  // at least one, in the order of the file
    Plane plane = Plane::proxy;     // who hands connections on; kernel: only of listeners with mode tcp
    bool masquerade = true;         // kernel only: backends see our address, not the client's

    friend bool operator==(const Pool&, const Pool&) = default;
};

struct Maintenance {
    std::filesystem::path page;  // empty: the built-in page
    std::string bytes;           // what the page held when it was loaded
    core::Milliseconds retry_after{120'000};
    // Who sees the site behind a page that was put on; any of these is enough.
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

// What clients may ask for. Sizes in bytes.
struct Limits {
    std::uint32_t sessions = 32'768;        // of one worker at a time; more wait to be accepted
    std::uint32_t sessions_per_source = 0;  // of one address, all workers together; 0: no limit
    std::uint32_t head = 16 * 1024;         // of a request, with its first line
    std::uint32_t request_line = 8 * 1024;  // at most head
    std::uint32_t fields = 100;
    std::uint32_t answer_head = 16 * 1024;  // of a server's answer
    std::uint32_t answer_fields = 100;
    std::uint32_t chunk_extension = 256;       // on one chunk's line
    std::uint32_t trailers = 8 * 1024;         // behind the last chunk
    std::uint32_t body_rate = 0;               // bytes per second that a body must bring; 0: any
    core::Milliseconds body_credit{20'000};    // how long it may fall behind that
    std::uint32_t answer_rate = 0;             // bytes per second of an answer that a client must take; 0: any
    core::Milliseconds answer_credit{20'000};  // how long it may fall behind that

    friend bool operator==(const Limits&, const Limits&) = default;
};

struct Timeouts {
    core::Milliseconds head{10'000};        // the whole head of a request
    core::Milliseconds keep_alive{60'000};  // an idle session between two requests
    core::Milliseconds connect{3'000};      // to a backend
    core::Milliseconds backend{60'000};     // a backend's silence: before its answer and in the middle of it
    core::Milliseconds client{60'000};      // a client's silence in the middle of a body, either way
    core::Milliseconds relay_idle{3'600'000};

    friend bool operator==(const Timeouts&, const Timeouts&) = default;
};

struct Log {
    bool exchanges = true;  // one line of JSON per exchange or relay

    friend bool operator==(const Log&, const Log&) = default;
};

// The appliance's own firewall: who may reach it. Off unless the file says otherwise.
struct Firewall {
    struct Rate {
        unsigned count = 0;  // 0: no limit
        unsigned unit = 1;   // seconds: 1, 60 or 3600
        friend bool operator==(const Rate&, const Rate&) = default;
    };
    bool enabled = false;
    std::vector<core::Network> management;            // who reaches management_ports
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

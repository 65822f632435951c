// Snapshot: one immutable configuration of the data plane. The caller that starts the server makes it, all workers
// share it, a reload replaces it as a whole.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/balance/route.hpp"
#include "core/balance/strategy.hpp"
#include "core/base/address.hpp"
#include "core/base/duration.hpp"
#include "core/base/network.hpp"
#include "core/http/chunked.hpp"
#include "core/http/parser.hpp"
#include "core/net/proxy_header.hpp"
#include "core/proxy/config/bypass.hpp"

namespace core::proxy {

enum class Mode : std::uint8_t { http, tcp };

// What an operator sets of a listener, a backend and a pool. The appliance's configuration holds these same structures,
// and lists their fields once (appliance/config/model/fields.hpp).
struct ListenerSettings {
    Mode mode = Mode::http;
    // The peers that are believed about the source of a connection or request.
    std::vector<Network> trusted{};
    bool proxy_protocol = false;  // a trusted peer begins with a PROXY header, and no other may connect
    bool https = false;           // what comes here has come by https, which ended before it came
    bool forwarded = false;       // requests get a Forwarded field too
    bool via = false;             // and a Via field
    bool request_id = false;      // and an X-Request-Id, kept from trusted peers, else made

    friend bool operator==(const ListenerSettings&, const ListenerSettings&) = default;
};

struct BackendSettings {
    std::uint32_t weight = 1;
    std::uint32_t max_connections = 0;  // exchanges and relays in flight, all workers together; 0: no limit
    bool backup = false;                // used when no other backend of the pool is eligible

    friend bool operator==(const BackendSettings&, const BackendSettings&) = default;
};

struct PoolSettings {
    balance::Balance balance = balance::Balance::round_robin;
    std::string cookie;  // that keeps a client on its backend; empty: none does
    std::string host;    // what servers get as Host; empty: what the client sent
    net::ProxyVersion proxy_protocol = net::ProxyVersion::none;  // what a connection to a backend begins with
    std::vector<Address> sources{};     // that connections to backends of the same family leave from, in turn; port 0
    Milliseconds backend_timeout{0};    // HTTP only: a backend's silence; 0: that of Timeouts
    bool abort_on_close = false;        // a client that has finished sending and waits for its answer has left
    std::uint32_t queue = 1024;         // how many may wait while every backend is at its limit; 0: none
    Milliseconds queue_timeout{5'000};  // and how long each of them
    Milliseconds hold{0};               // how long no backend may be usable until visitors see the page; 0: not at all
    Milliseconds slow_start{0};         // until a backend that has come up has its whole weight; 0: at once

    friend bool operator==(const PoolSettings&, const PoolSettings&) = default;
};

struct ListenerSpec : ListenerSettings {
    std::string name;
    Address address;
    std::string pool;                      // of what no route takes
    std::vector<balance::Route> routes{};  // of Mode::http; in the order in which they are tried

    friend bool operator==(const ListenerSpec&, const ListenerSpec&) = default;
};

struct BackendSpec : BackendSettings {
    std::string server;
    Address address;
    std::uint32_t passive_fall = 0;  // failures of visitors' exchanges in a row until it is out; 0: never
};

struct PoolSpec : PoolSettings {
    std::string name;
    std::vector<BackendSpec> backends;
    Milliseconds overlap{10'000};  // how long the backends before may serve until one of these has passed
};

struct Timeouts {
    Milliseconds head{10'000};           // a whole request head, from its first byte or the accept
    Milliseconds keep_alive{60'000};     // an idle session
    Milliseconds connect{3'000};         // one attempt at one backend
    Milliseconds backend{60'000};        // a backend's silence: until the head, and between two bytes of a body
    Milliseconds client{60'000};         // a client's silence in the middle of a body, either way
    Milliseconds relay_idle{3'600'000};  // a relay with no byte either way
    Milliseconds linger{30'000};         // a client's sending on after it was told that we close

    friend bool operator==(const Timeouts&, const Timeouts&) = default;
};

// How fast a body must move at least, once its first byte is here. least: bytes per second, 0: any. credit: how long it
// may fall behind that.
struct BodyRate {
    std::uint32_t least = 0;
    Milliseconds credit{20'000};

    friend bool operator==(const BodyRate&, const BodyRate&) = default;
};

// What clients may ask of us, and servers answer.
struct Limits {
    std::uint32_t sessions = 32'768;        // per worker; newcomers beyond it wait in the kernel's backlog
    std::uint32_t sessions_per_source = 0;  // of one address (Sources), all workers together; 0: no limit
    http::Limits head;                      // of a request
    http::Limits answer;                    // of a server's answer
    http::ChunkLimits chunks;               // of its body
    BodyRate body_rate;                     // at which a client must send a request's body
    BodyRate answer_rate;                   // and take an answer's

    friend bool operator==(const Limits&, const Limits&) = default;
};

struct Snapshot {
    std::vector<ListenerSpec> listeners;
    std::vector<PoolSpec> pools;
    Timeouts timeouts;
    Limits limits;
    std::string page;                 // the maintenance page, HTML; empty: the built-in one
    std::uint32_t retry_after = 120;  // seconds
    Bypass bypass;                    // of pages that were put on
    bool log_exchanges = true;
    Milliseconds relay_drain{30'000};  // how long relays may go on once a drain has begun
    bool zero_copy = true;             // long runs of body are spliced; false: everything is copied
};

// What checks have found so far of a snapshot's backends, in its order: [pool][backend]. Empty: nothing.
enum class Finding : std::uint8_t { nothing, up, down };
using Findings = std::vector<std::vector<Finding>>;

using SnapshotRef = std::shared_ptr<const Snapshot>;

// What operators have said, beside the configuration: always the full state, so applying it twice changes nothing.
struct Administration {
    struct Fence {
        std::string pool;
        std::string server;
    };
    struct Maintenance {
        std::string pool;
        std::string message;        // shown on the page; may be empty
        std::string until{};        // its announced end, RFC 3339 in UTC; empty: none is
        std::string until_local{};  // the same for people, in the site's time zone
        std::optional<WallTime> ends{};
    };
    // In place of the snapshot's.
    struct Weight {
        std::string pool;
        std::string server;
        std::uint32_t weight = 1;  // 1 to 256
    };
    std::vector<Fence> fences;
    std::vector<Maintenance> maintenance;
    std::vector<Weight> weights;
};

}  // namespace core::proxy

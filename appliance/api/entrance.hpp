// Entrance: where callers of the API come in: over the Unix socket, where the kernel says who they are, or over TLS,
// where a bearer token or a certificate does.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "appliance/api/slots.hpp"
#include "appliance/api/wire.hpp"
#include "appliance/config/model/config.hpp"
#include "core/base/result.hpp"

namespace appliance::api {

// Who is at the other end: as the kernel says it (SO_PEERCRED), or as the credentials of a remote caller do.
struct Peer {
    uid_t uid = 0;
    pid_t pid = 0;
    std::string user;  // the name of uid, or its number; of a remote caller the name of its [access.NAME]
    config::Role role = config::Role::admin;
    std::string from = "unix";  // or the remote address, "10.0.0.9:40112"; then uid and pid mean nothing

    [[nodiscard]] bool remote() const noexcept { return from != "unix"; }
};

// Used by many threads at once.
class Entrance {
public:
    Entrance() = default;
    Entrance(const Entrance&) = delete;
    Entrance& operator=(const Entrance&) = delete;
    virtual ~Entrance() = default;

    // How many connections it holds, and whose.
    [[nodiscard]] virtual SlotLimits limits() const = 0;
    // Where a new connection comes from, never empty: those of one source share its slots. Does not block.
    [[nodiscard]] virtual std::string source_of(int fd) const = 0;
    // The conversation with a new connection; null where there will be none. Blocks within the bounds of Wire.
    virtual std::unique_ptr<Wire> admit(int fd) = 0;
    // Says to a new connection that there is no room, where that can be said in one breath. Does not block.
    virtual void turn_away(int fd) = 0;
    // Who sends this request; authorization: the value of its field, may be empty. Nothing: nobody that we know.
    virtual std::optional<Peer> identify(const Wire& wire, const std::string& authorization) = 0;
};

// Its callers are the machine's own users, who may have all slots. Their source is their uid.
class LocalEntrance final : public Entrance {
public:
    // Whether a process of that number is the daemon's own: asked of callers that have this process's user, in their
    // connection's thread. Error: that cannot be known now, and the caller is refused.
    using IsOurs = std::function<core::Result<bool>(pid_t)>;
    // Told of callers that were refused, each time: the process, and why.
    using Refused = std::function<void(pid_t, const std::string& why)>;

    // None of the daemon's own processes speaks to its API: one that does has been taken over.
    // patience: for a whole request.
    LocalEntrance(IsOurs is_ours, Refused refused, std::chrono::milliseconds patience = Wire::request_max);

    [[nodiscard]] SlotLimits limits() const override;
    [[nodiscard]] std::string source_of(int fd) const override;
    // Null also for a process of ours, which is told so.
    std::unique_ptr<Wire> admit(int fd) override;
    void turn_away(int fd) override;
    std::optional<Peer> identify(const Wire& wire, const std::string& authorization) override;

private:
    IsOurs is_ours_;
    Refused refused_;
    std::chrono::milliseconds patience_;
};

// The source of a caller is its address; of IPv6 the first 64 bits, which one host may have all of.
class RemoteEntrance final : public Entrance {
public:
    // The configuration as it is now; its remote may be missing, then nobody comes in.
    using Configuration = std::function<std::shared_ptr<const config::Config>()>;
    // Told of callers that were turned away, at most once a second: the last one's address and reason, and how many
    // others there were since the last time.
    using Refused = std::function<void(const std::string& from, const std::string& why, unsigned others)>;
    // Told of each request whose sender [access] does not know: its source and why.
    using Unknown = std::function<void(const std::string& source, const std::string& why)>;

    RemoteEntrance(Configuration configuration, Refused refused, Unknown unknown);

    [[nodiscard]] SlotLimits limits() const override { return {}; }
    [[nodiscard]] std::string source_of(int fd) const override;
    std::unique_ptr<Wire> admit(int fd) override;
    void turn_away(int /*fd*/) override {}
    std::optional<Peer> identify(const Wire& wire, const std::string& authorization) override;

private:
    tls::Context context_for(const tls::Material& material);
    void refuse(const std::string& from, const std::string& why);

    Configuration configuration_;
    Refused refused_;
    Unknown unknown_;
    std::mutex mutex_;
    tls::Material material_;  // of context_
    tls::Context context_;
    std::chrono::steady_clock::time_point told_{};
    unsigned untold_ = 0;
};

// The one of the list that a token, or else a certificate's common name, belongs to; null where there is none. Takes as
// long for a wrong token as for a right one.
const config::Access* find_access(const std::vector<config::Access>& list, std::string_view token,
                                  std::string_view certificate);

}  // namespace appliance::api

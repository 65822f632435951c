// Entrance: admits and identifies callers of the API. On the Unix socket the kernel identifies them. Over TLS a bearer
// token or a certificate does.
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

// The identified caller: from the kernel (SO_PEERCRED), or from a remote caller's credentials.
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

    // How many connections it holds, in all and for each source and name.
    [[nodiscard]] virtual SlotLimits limits() const = 0;
    // The source of a new connection, never empty. Connections of one source share its slots. Does not block.
    [[nodiscard]] virtual std::string source_of(int fd) const = 0;
    // The wire of a new connection; null: it was refused. Blocks within the bounds of Wire.
    virtual std::unique_ptr<Wire> admit(int fd) = 0;
    // Answers 503 to a new connection where that needs no handshake. Does not block.
    virtual void turn_away(int fd) = 0;
    // The sender of this request. authorization: the value of its field, may be empty. Nothing: an unknown sender.
    virtual std::optional<Peer> identify(const Wire& wire, const std::string& authorization) = 0;
};

// Its callers are the machine's own users, who may have all slots. Their source is their uid.
class LocalEntrance final : public Entrance {
public:
    // Whether that process is one of the daemon's own. Called for callers with this process's user, in the connection's
    // thread. Error: it is not known now; the caller is refused.
    using IsOurs = std::function<core::Result<bool>(pid_t)>;
    // Called for each refused caller: its process, and why.
    using Refused = std::function<void(pid_t, const std::string& why)>;

    // None of the daemon's own processes speaks to its API: one that does has been taken over.
    // patience: for a whole request.
    LocalEntrance(IsOurs is_ours, Refused refused, std::chrono::milliseconds patience = Wire::request_max);

    [[nodiscard]] SlotLimits limits() const override;
    [[nodiscard]] std::string source_of(int fd) const override;
    // Null also for one of the daemon's own processes; it gets a 403.
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
    // The configuration as it is now. Without a `remote` in it, every connection is refused.
    using Configuration = std::function<std::shared_ptr<const config::Config>()>;
    // Called at most once a second for refused callers: the last one's address and reason, and how many others there
    // were since the last call.
    using Refused = std::function<void(const std::string& from, const std::string& why, unsigned others)>;
    // Called for each request from a sender that [access] does not have: its source and why.
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

// The entry with that token, or else with that certificate's common name; null: none. A wrong token takes as long as a
// right one.
const config::Access* find_access(const std::vector<config::Access>& list, std::string_view token,
                                  std::string_view certificate);

}  // namespace appliance::api

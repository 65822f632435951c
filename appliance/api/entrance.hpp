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

#include "appliance/api/wire.hpp"
#include "appliance/config/config.hpp"
#include "core/base/descriptor.hpp"

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

    // The conversation with a new connection; null where there will be none. Blocks within the bounds of Wire.
    virtual std::unique_ptr<Wire> admit(core::base::Descriptor connection) = 0;
    // Says to a new connection that there are too many, where that can be said in one breath. Does not block.
    virtual void turn_away(int fd) = 0;
    // Who sends this request; authorization: the value of its field, may be empty. Nothing: nobody that we know.
    virtual std::optional<Peer> identify(const Wire& wire, const std::string& authorization) = 0;
};

class LocalEntrance final : public Entrance {
public:
    std::unique_ptr<Wire> admit(core::base::Descriptor connection) override;
    void turn_away(int fd) override;
    std::optional<Peer> identify(const Wire& wire, const std::string& authorization) override;
};

class RemoteEntrance final : public Entrance {
public:
    // The configuration as it is now; its remote may be missing, then nobody comes in.
    using Configuration = std::function<std::shared_ptr<const config::Config>()>;
    // Told of callers that were turned away, at most once a second: the last one's address and reason, and how many
    // others there were since the last time.
    using Refused = std::function<void(const std::string& from, const std::string& why, unsigned others)>;

    RemoteEntrance(Configuration configuration, Refused refused);

    std::unique_ptr<Wire> admit(core::base::Descriptor connection) override;
    void turn_away(int /*fd*/) override {}
    std::optional<Peer> identify(const Wire& wire, const std::string& authorization) override;

private:
    tls::Context context_for(const tls::Material& material);
    void refuse(const std::string& from, const std::string& why);

    Configuration configuration_;
    Refused refused_;
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

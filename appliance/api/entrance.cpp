#include "appliance/api/entrance.hpp"

#include <openssl/crypto.h>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <iterator>
#include <vector>

#include "appliance/tls/digest.hpp"

namespace appliance::api {
namespace {

constexpr std::chrono::seconds tell_at_most_every{1};

std::string address_of(int fd) {
    sockaddr_storage storage{};
    socklen_t length = sizeof(storage);
    return ::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &length) == 0
               ? core::Address::from(storage).text()
               : std::string("an address that is gone");
}

// Of IPv6 the first 64 bits, which one host may have all of.
std::string network_of(int fd) {
    sockaddr_storage storage{};
    socklen_t length = sizeof(storage);
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
        return "an address that is gone";
    }
    constexpr std::size_t host_begins = 8;
    if (storage.ss_family != AF_INET6) {
        return core::Address::from(storage).host();
    }
    auto& address = reinterpret_cast<sockaddr_in6&>(storage);
    std::fill(address.sin6_addr.s6_addr + host_begins, std::end(address.sin6_addr.s6_addr), std::uint8_t{0});
    return core::Address::from(storage).host() + "/64";
}

// The token of "Bearer TOKEN" (RFC 6750, section 2.1; the scheme's case does not matter), else nothing.
std::optional<std::string_view> bearer(std::string_view authorization) {
    constexpr std::string_view scheme = "bearer ";
    if (authorization.size() <= scheme.size()) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < scheme.size(); ++i) {
        if (std::tolower(static_cast<unsigned char>(authorization[i])) != scheme[i]) {
            return std::nullopt;
        }
    }
    const auto begin = authorization.find_first_not_of(' ', scheme.size());
    return begin == std::string_view::npos ? std::nullopt : std::optional(authorization.substr(begin));
}

// As the kernel noted them when the peer connected.
std::optional<ucred> credentials_of(int fd) {
    ucred credentials{};
    socklen_t length = sizeof(credentials);
    return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 ? std::optional(credentials)
                                                                                 : std::nullopt;
}

// Sends an answer without reading the request. Does not block. body: JSON.
void send_refusal(int fd, std::string_view status, std::string_view body) {
    const std::string answer = "HTTP/1.1 " + std::string(status) +
                               "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
                               "\r\nConnection: close\r\n\r\n" + std::string(body);
    static_cast<void>(::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

// Closing a socket with unread bytes would take the answer from the peer (unix(7): ECONNRESET). So this discards what
// the peer sends, for at most one second.
void let_it_read(int fd) {
    ::shutdown(fd, SHUT_WR);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    std::array<char, 4096> rest{};
    for (ssize_t got = 1; got > 0;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        pollfd entry{fd, POLLIN, 0};
        got = left.count() > 0 && ::poll(&entry, 1, static_cast<int>(left.count())) > 0
                  ? ::recv(fd, rest.data(), rest.size(), MSG_DONTWAIT)
                  : 0;
    }
}

}  // namespace

LocalEntrance::LocalEntrance(IsOurs is_ours, Refused refused, std::chrono::milliseconds patience)
    : is_ours_(std::move(is_ours)), refused_(std::move(refused)), patience_(patience) {}

SlotLimits LocalEntrance::limits() const {
    SlotLimits limits;
    limits.strangers_of_source = limits.strangers;
    limits.callers_of_name = limits.callers;
    limits.readers = limits.callers;
    limits.grace = {};  // there is no handshake
    return limits;
}

std::string LocalEntrance::source_of(int fd) const {
    const auto credentials = credentials_of(fd);
    return credentials ? std::to_string(credentials->uid) : std::string("unknown");
}

std::unique_ptr<Wire> LocalEntrance::admit(int fd) {
    const auto peer = credentials_of(fd);
    if (!peer) {
        return nullptr;
    }
    // The supervisor's children all run as this process's user.
    const auto ours = peer->uid == ::geteuid() ? is_ours_(peer->pid) : core::Result<bool>(false);
    if (!ours) {
        refused_(peer->pid, ours.error().line());
        send_refusal(fd, "503 Service Unavailable",
                     R"({"error":{"what":"cannot answer now","why":"the supervisor does not say whether the caller is )"
                     R"(one of its own processes","mend":"try again"}})");
        let_it_read(fd);
        return nullptr;
    }
    if (*ours) {
        refused_(peer->pid, "it is one of the daemon's own processes");
        send_refusal(fd, "403 Forbidden",
                     R"({"error":{"what":"refused","why":"the caller is one of the daemon's own processes",)"
                     R"("mend":"use gatehouse from a shell; if that did, try again"}})");
        let_it_read(fd);
        return nullptr;
    }
    return make_plain_wire(fd, patience_);
}

std::optional<Peer> LocalEntrance::identify(const Wire& wire, const std::string& /*authorization*/) {
    const auto credentials = credentials_of(wire.fd());
    if (!credentials) {
        return std::nullopt;
    }
    Peer peer;
    peer.uid = credentials->uid;
    peer.pid = credentials->pid;
    peer.user = std::to_string(peer.uid);
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> room(16'384);
    if (::getpwuid_r(peer.uid, &entry, room.data(), room.size(), &found) == 0 && found != nullptr) {
        peer.user = found->pw_name;
    }
    return peer;
}

void LocalEntrance::turn_away(int fd) {
    static constexpr std::string_view body =
        R"({"error":{"what":"cannot answer now","why":"too many requests at once","mend":"try later"}})";
    send_refusal(fd, "503 Service Unavailable", body);
}

RemoteEntrance::RemoteEntrance(Configuration configuration, Refused refused, Unknown unknown)
    : configuration_(std::move(configuration)), refused_(std::move(refused)), unknown_(std::move(unknown)) {}

std::string RemoteEntrance::source_of(int fd) const {
    return network_of(fd);
}

// Makes a new context when a reload has changed the files.
tls::Context RemoteEntrance::context_for(const tls::Material& material) {
    const std::lock_guard lock(mutex_);
    if (!context_ || !(material == material_)) {
        if (auto made = tls::make_server_context(material)) {
            context_ = std::move(*made);
            material_ = material;
        }
    }
    return context_;
}

void RemoteEntrance::refuse(const std::string& from, const std::string& why) {
    unsigned others = 0;
    {
        const auto now = std::chrono::steady_clock::now();
        const std::lock_guard lock(mutex_);
        if (now - told_ < tell_at_most_every) {
            ++untold_;
            return;
        }
        told_ = now;
        others = std::exchange(untold_, 0);
    }
    refused_(from, why, others);
}

std::unique_ptr<Wire> RemoteEntrance::admit(int fd) {
    const auto config = configuration_();
    const tls::Context context = config->control.remote ? context_for(config->control.remote->material) : nullptr;
    if (!context) {
        return nullptr;
    }
    auto wire = make_tls_wire(fd, Wire::request_max, context.get());
    if (!wire) {
        refuse(address_of(fd), wire.error().line());
        return nullptr;
    }
    return std::move(*wire);
}

std::optional<Peer> RemoteEntrance::identify(const Wire& wire, const std::string& authorization) {
    const std::string from = address_of(wire.fd());
    const std::string certificate = wire.certificate();
    const auto token = bearer(authorization);
    const auto turn_down = [&](const std::string& why) {
        refuse(from, why);
        unknown_(network_of(wire.fd()), why);
        return std::nullopt;
    };
    if (!authorization.empty() && !token) {
        return turn_down("its Authorization is no bearer token");
    }
    const auto config = configuration_();
    const config::Access* access = find_access(config->access, token.value_or(""), token ? "" : certificate);
    if (access == nullptr) {
        return turn_down(token                  ? "its token is not among [access]"
                         : !certificate.empty() ? "its certificate's name is not among [access]: " + certificate
                                                : "it showed neither token nor certificate");
    }
    return Peer{static_cast<uid_t>(-1), 0, access->name, access->role, from};
}

const config::Access* find_access(const std::vector<config::Access>& list, std::string_view token,
                                  std::string_view certificate) {
    const config::Access* found = nullptr;
    const std::string digest = token.empty() ? std::string() : tls::sha256_hex(token);
    for (const config::Access& access : list) {
        const bool by_token = !digest.empty() && access.token_sha256.size() == digest.size() &&
                              ::CRYPTO_memcmp(access.token_sha256.data(), digest.data(), digest.size()) == 0;
        const bool by_certificate = !certificate.empty() && access.certificate == certificate;
        if (by_token || by_certificate) {
            found = &access;
        }
    }
    return found;
}

}  // namespace appliance::api

#include "appliance/api/entrance.hpp"

#include <openssl/crypto.h>
#include <pwd.h>
#include <sys/socket.h>

#include <cctype>
#include <vector>

#include "appliance/tls/digest.hpp"

namespace appliance::api {
namespace {

using core::base::Descriptor;

constexpr std::chrono::seconds tell_at_most_every{1};

std::string address_of(int fd) {
    sockaddr_storage storage{};
    socklen_t length = sizeof(storage);
    return ::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &length) == 0
               ? core::Address::from(storage).text()
               : std::string("an address that is gone");
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

}  // namespace

std::unique_ptr<Wire> LocalEntrance::admit(Descriptor connection) {
    return make_plain_wire(std::move(connection));
}

std::optional<Peer> LocalEntrance::identify(const Wire& wire, const std::string& /*authorization*/) {
    ucred credentials{};
    socklen_t length = sizeof(credentials);
    Peer peer;
    if (::getsockopt(wire.fd(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
        peer.uid = static_cast<uid_t>(-1);
        peer.user = "unknown";
        return peer;
    }
    peer.uid = credentials.uid;
    peer.pid = credentials.pid;
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
    const std::string answer =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + std::string(body);
    static_cast<void>(::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

RemoteEntrance::RemoteEntrance(Configuration configuration, Refused refused)
    : configuration_(std::move(configuration)), refused_(std::move(refused)) {}

// Made anew when a reload has brought other files.
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

std::unique_ptr<Wire> RemoteEntrance::admit(Descriptor connection) {
    const auto config = configuration_();
    const tls::Context context = config->control.remote ? context_for(config->control.remote->material) : nullptr;
    if (!context) {
        return nullptr;
    }
    const std::string from = address_of(connection.get());
    auto wire = make_tls_wire(std::move(connection), context.get());
    if (!wire) {
        refuse(from, wire.error().line());
        return nullptr;
    }
    return std::move(*wire);
}

std::optional<Peer> RemoteEntrance::identify(const Wire& wire, const std::string& authorization) {
    const std::string from = address_of(wire.fd());
    const std::string certificate = wire.certificate();
    const auto token = bearer(authorization);
    if (!authorization.empty() && !token) {
        refuse(from, "its Authorization is no bearer token");
        return std::nullopt;
    }
    const auto config = configuration_();
    const config::Access* access = find_access(config->access, token.value_or(""), token ? "" : certificate);
    if (access == nullptr) {
        refuse(from, token                  ? "its token is not among [access]"
                     : !certificate.empty() ? "its certificate's name is not among [access]: " + certificate
                                            : "it showed neither token nor certificate");
        return std::nullopt;
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

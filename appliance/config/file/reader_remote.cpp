// The API on TCP: listen, certificate, key and client_ca of [control], and [access.NAME].
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>

#include "appliance/config/file/reader.hpp"
#include "appliance/config/model/words.hpp"

namespace appliance::config {
namespace {

constexpr std::size_t pem_bytes = std::size_t{1} << 20;
constexpr std::size_t sha256_digits = 64;

}  // namespace

void Reader::read_access(const std::string& name, Section& section) {
    Access access;
    access.name = name;
    access.role = section.choice("role", access.role, role_words);
    if (section.find("role") == nullptr) {
        section.miss("role", R"(role = "read", or operate, or admin)");
    }
    access.token_sha256 = section.text("token_sha256", {});
    access.certificate = section.text("certificate", {});
    std::transform(access.token_sha256.begin(), access.token_sha256.end(), access.token_sha256.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const bool digits = std::all_of(access.token_sha256.begin(), access.token_sha256.end(),
                                    [](unsigned char c) { return std::isxdigit(c) != 0; });
    if (!access.token_sha256.empty() && (!digits || access.token_sha256.size() != sha256_digits)) {
        section.complain("token_sha256", "it is no SHA-256 of 64 hexadecimal digits",
                         fmt::format("gatehouse token {} makes a token and prints it", name));
    }
    if (access.token_sha256.empty() && access.certificate.empty()) {
        section.miss("token_sha256 or certificate", R"(certificate = "ann.example.org", its common name)");
    }
    config_.access.push_back(std::move(access));
}

std::string Reader::read_pem(Section& section, std::string_view key, bool secret) {
    const auto text = section.text(key, {});
    if (text.empty()) {
        return {};
    }
    const auto path = config_.file.parent_path() / text;
    auto file = read_named(config_.file.parent_path(), text, Reach::absolute_anywhere, pem_bytes);
    if (!file) {
        section.complain(key, file.error().line(), "put it there as PEM, for group gatehouse to read");
        return {};
    }
    if (secret) {
        secrets_.push_back(file->identity);
        if ((file->mode & S_IROTH) != 0) {
            section.complain(key, fmt::format("'{}' can be read by everybody", path.string()),
                             fmt::format("chmod o= {}", path.string()));
        }
    }
    return std::move(file->bytes);
}

void Reader::read_remote(Section& section) {
    const auto text = section.text("listen", {});
    Remote remote;
    remote.material = {read_pem(section, "certificate", false), read_pem(section, "key", true),
                       read_pem(section, "client_ca", false)};
    if (text.empty()) {
        return;
    }
    const auto address = core::Address::parse(text);
    if (!address || address->port() == 0) {
        section.complain("listen", address ? "port 0 is no port to listen on" : address.error().what,
                         address ? "write a port from 1 to 65535" : address.error().mend);
        return;
    }
    remote.listen = *address;
    const auto twin = std::find_if(config_.listeners.begin(), config_.listeners.end(),
                                   [&](const Listener& other) { return other.address == *address; });
    if (twin != config_.listeners.end()) {
        section.complain("listen", fmt::format("[listen.{}] listens on {} already", twin->name, address->text()),
                         "give the API a port of its own");
    }
    for (const std::string_view key : {"certificate", "key"}) {
        if (section.find(key) == nullptr) {
            section.miss(key, fmt::format("{} = \"api.pem\", which 'listen' needs", key));
            return;
        }
    }
    if (remote.material.certificate.empty() || remote.material.key.empty()) {
        return;  // said already
    }
    if (const auto context = tls::make_server_context(remote.material); !context) {
        const auto& [member, error] = context.error();
        section.complain(member, error.why.empty() ? error.what : fmt::format("{}: {}", error.what, error.why),
                         error.mend);
    }
    if (config_.access.empty()) {
        section.complain("listen", "nobody may use the API there", "add [access.NAME] with a role and token_sha256");
    }
    for (const Access& access : config_.access) {
        if (!access.certificate.empty() && remote.material.client_ca.empty()) {
            section.complain("listen",
                             fmt::format("[access.{}] has a certificate that nothing vouches for", access.name),
                             "name its authority's file as client_ca");
            break;
        }
    }
    open_for_management(section, remote.listen.port());
    config_.control.remote = std::move(remote);
}

// The firewall lets the management networks reach the API, and no other source.
void Reader::open_for_management(Section& section, std::uint16_t port) {
    auto& ports = config_.firewall.management_ports;
    const auto at = std::lower_bound(ports.begin(), ports.end(), port);
    if (at != ports.end() && *at == port) {
        return;
    }
    if (ports.size() >= Bounds::management) {
        section.complain("listen", fmt::format("with its port there are {} management ports", ports.size() + 1),
                         fmt::format("at most {} are allowed; leave one out of [firewall]", Bounds::management));
        return;
    }
    ports.insert(at, port);
}

}  // namespace appliance::config

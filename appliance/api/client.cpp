#include "appliance/api/client.hpp"

#include <fmt/format.h>
#include <httplib.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "appliance/api/unreachable.hpp"
#include "core/base/descriptor.hpp"
#include "core/base/duration.hpp"

namespace appliance::api {
namespace {

using Clock = std::chrono::steady_clock;

// The library has no Unix sockets. It gets its connection from a virtual function, and works on any descriptor.
class UnixClient : public httplib::ClientImpl {
public:
    UnixClient(const std::string& socket_path, std::chrono::milliseconds timeout)
        : ClientImpl("localhost"), socket_path_(socket_path), timeout_(timeout) {
        set_read_timeout(timeout);
        set_write_timeout(timeout);
        set_decompress(false);
        // Newer versions of the library ask for compression all the same.
        set_default_headers({{"Accept-Encoding", "identity"}});
    }

    // errno of the connection that failed, 0 where it succeeded or was never tried.
    [[nodiscard]] int connect_error() const noexcept { return connect_error_; }

protected:
    bool create_and_connect_socket(Socket& socket, httplib::Error& error) override {
        connect_error_ = connect(socket);
        if (connect_error_ != 0) {
            error = httplib::Error::Connection;
        }
        return connect_error_ == 0;
    }

private:
    int connect(Socket& socket) const {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (socket_path_.size() >= sizeof address.sun_path) {
            return ENAMETOOLONG;
        }
        std::memcpy(address.sun_path, socket_path_.data(), socket_path_.size());
        core::base::Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        // A full accept queue blocks connect; the send timeout is what bounds it there, see unix(7).
        const timeval limit{timeout_.count() / 1000, timeout_.count() % 1000 * 1000};
        if (!fd.valid() || ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0 ||
            ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            return errno;
        }
        socket.sock = fd.release();
        return 0;
    }

    std::string socket_path_;
    std::chrono::milliseconds timeout_;
    int connect_error_ = 0;
};

std::string mend_for(int os_error) {
    switch (os_error) {
        case EACCES:
        case EPERM:
            return "use sudo, or become a member of the group: usermod -aG gatehouse USER";
        case ENOENT:
        case ECONNREFUSED:
            return "is gatehouse running? start it with: gatehouse run -c FILE, or name its socket with --socket";
        case EAGAIN:
            return "it is running but accepts nobody; look at its log";
        default:
            return "name the control socket with --socket or GATEHOUSE_SOCKET";
    }
}

Answer answer_of(const httplib::Response& response) {
    const std::string type = response.get_header_value("Content-Type");
    return {static_cast<unsigned>(response.status), type.substr(0, type.find(';')), response.body};
}

core::Error judge_time(std::string what, std::chrono::milliseconds timeout, Clock::duration elapsed) {
    if (elapsed >= timeout) {
        return {std::move(what), fmt::format("no answer within {}", core::base::print_duration(timeout)),
                "look at its log and try again", 0};
    }
    return {std::move(what), "it went away before it answered",
            "see with 'gatehouse status' what was done, then try again", 0};
}

// Newer versions of the library distinguish a wrong name from an invalid certificate.
template <typename Error>
bool is_of_another_name(Error error) {
    if constexpr (requires { Error::SSLServerHostnameVerification; }) {
        return error == Error::SSLServerHostnameVerification;
    } else {
        return false;
    }
}

// The last alert that the other side has sent to this thread's connection; -1: none. The library and OpenSSL's own
// queue of errors forget it.
thread_local int last_alert = -1;

void note_alert(const SSL* /*connection*/, int where, int value) {
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && (value & 0xff) != SSL_AD_CLOSE_NOTIFY) {
        last_alert = value & 0xff;
    }
}

// A daemon that refuses a certificate closes the connection. Its alert may be lost with it.
core::Error judge_end(core::Error ended, const Place& place) {
    if (!place.certificate_file.empty()) {
        ended.mend = fmt::format("its log says whether it refuses {}; if not, {}", place.certificate_file, ended.mend);
    }
    return ended;
}

core::Error judge_remote(httplib::Error error, const httplib::SSLClient& client, const Place& place,
                         std::chrono::milliseconds timeout, Clock::duration elapsed) {
    constexpr std::chrono::milliseconds second_look{3'000};
    std::string what = fmt::format("cannot reach gatehouse at {}", place.text());
    if (is_of_another_name(error)) {
        return explain_certificate(place, X509_V_OK);
    }
    switch (error) {
        case httplib::Error::Connection:
            return elapsed >= timeout ? explain_silence(place, timeout)
                                      : explain_no_connection(place, std::min(second_look, timeout));
        case httplib::Error::ConnectionTimeout:
            return explain_silence(place, timeout);
        case httplib::Error::SSLServerVerification:
            return explain_certificate(place, client.get_openssl_verify_result());
        case httplib::Error::SSLLoadingCerts:
            return {std::move(what), fmt::format("no certificates of authorities in '{}'", place.ca_file),
                    "name a PEM file that holds some with --ca", 0};
        case httplib::Error::SSLConnection:
            return explain_alert(place, last_alert)
                .value_or(core::Error{std::move(what), "it speaks no TLS there",
                                      "give --host the port of 'listen' in its [control]", 0});
        default:  // the library's other errors are of a connection that stood
            return explain_alert(place, last_alert)
                .value_or(judge_end(judge_time(std::move(what), timeout, elapsed), place));
    }
}

// ask sends the request with the client that it is given.
template <typename Ask>
core::Result<Answer> ask_remote(const Place& place, std::chrono::milliseconds timeout, Ask ask) {
    for (const std::string& file : {place.ca_file, place.certificate_file, place.key_file}) {
        if (!file.empty() && ::access(file.c_str(), R_OK) != 0) {
            return core::fail_os(fmt::format("cannot read {}", file), errno, "name a file that you can read");
        }
    }
    httplib::SSLClient client(place.host, place.port, place.certificate_file, place.key_file);
    if (!client.is_valid()) {
        return core::fail(fmt::format("cannot show {}", place.certificate_file), "it does not fit its key",
                          "give --cert and --key that were made together, as PEM");
    }
    client.set_connection_timeout(timeout);
    client.set_read_timeout(timeout);
    client.set_write_timeout(timeout);
    client.set_follow_location(false);
    client.set_decompress(false);
    client.set_default_headers({{"Accept-Encoding", "identity"}});
    client.enable_server_certificate_verification(true);
    if (!place.ca_file.empty()) {
        client.set_ca_cert_path(place.ca_file);
    }
    if (!place.token.empty()) {
        client.set_bearer_token_auth(place.token);
    }
    const auto start = Clock::now();
    last_alert = -1;
    ::SSL_CTX_set_info_callback(client.ssl_context(), note_alert);
    const httplib::Result result = ask(client);
    if (!result) {
        return tl::unexpected(judge_remote(result.error(), client, place, timeout, Clock::now() - start));
    }
    return answer_of(*result);
}

template <typename Ask>
core::Result<Answer> ask_local(const std::string& socket_path, std::chrono::milliseconds timeout, Ask ask) {
    UnixClient client(socket_path, timeout);
    const auto start = Clock::now();
    const httplib::Result result = ask(client);
    if (result) {
        return answer_of(*result);
    }
    auto what = fmt::format("cannot reach gatehouse at {}", socket_path);
    if (client.connect_error() != 0) {
        return core::fail_os(std::move(what), client.connect_error(), mend_for(client.connect_error()));
    }
    return tl::unexpected(judge_time(std::move(what), timeout, Clock::now() - start));
}

}  // namespace

core::Result<Place> Place::parse(std::string_view text) {
    const auto wrong = [&] {
        return core::fail(fmt::format("'{}' is no host", text), "",
                          "write gate.example.org, 10.0.0.5:8443 or [fd00::5]:8443");
    };
    Place place;
    std::string_view port;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos || (end + 1 < text.size() && text[end + 1] != ':')) {
            return wrong();
        }
        place.host = text.substr(1, end - 1);
        port = end + 1 < text.size() ? text.substr(end + 1) : "";
    } else {
        const auto colon = text.find(':');
        const bool bare = colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos;
        place.host = bare ? text : text.substr(0, colon);
        port = bare || colon == std::string_view::npos ? "" : text.substr(colon);
    }
    if (!port.empty()) {
        const auto [end, error] = std::from_chars(port.data() + 1, port.data() + port.size(), place.port);
        if (error != std::errc() || end != port.data() + port.size() || place.port == 0) {
            return wrong();
        }
    }
    const bool plain = std::all_of(place.host.begin(), place.host.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_' || c == ':' || c == '%';
    });
    if (place.host.empty() || !plain) {
        return wrong();
    }
    return place;
}

std::string Place::text() const {
    return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

core::Result<Answer> Client::get(const std::string& path, std::chrono::milliseconds timeout) const {
    const auto ask = [&](auto& client) { return client.Get(path); };
    return place_ ? ask_remote(*place_, timeout, ask) : ask_local(socket_path_, timeout, ask);
}

core::Result<Answer> Client::post(const std::string& path, const std::string& body,
                                  std::chrono::milliseconds timeout) const {
    const auto ask = [&](auto& client) { return client.Post(path, body, "application/json"); };
    return place_ ? ask_remote(*place_, timeout, ask) : ask_local(socket_path_, timeout, ask);
}

core::Result<Answer> Client::put(const std::string& path, const std::string& body,
                                 std::chrono::milliseconds timeout) const {
    const auto ask = [&](auto& client) { return client.Put(path, body, "application/toml"); };
    return place_ ? ask_remote(*place_, timeout, ask) : ask_local(socket_path_, timeout, ask);
}

core::Result<Answer> Client::follow(const std::string& path, const std::function<bool(std::string_view)>& on_bytes,
                                    std::chrono::milliseconds timeout) const {
    Answer answer;
    bool stopped = false;
    const auto ask = [&](auto& client) {
        return client.Get(
            path,
            [&](const httplib::Response& response) {
                answer.status = static_cast<unsigned>(response.status);
                return true;
            },
            [&](const char* bytes, std::size_t size) {
                if (answer.status != 200) {
                    answer.body.append(bytes, size);
                    return true;
                }
                stopped = !on_bytes({bytes, size});
                return !stopped;
            });
    };
    auto ended = place_ ? ask_remote(*place_, timeout, ask) : ask_local(socket_path_, timeout, ask);
    if (!ended && !stopped) {
        return ended;
    }
    return answer;
}

}  // namespace appliance::api

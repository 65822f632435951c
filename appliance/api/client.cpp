#include "appliance/api/client.hpp"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "core/base/descriptor.hpp"
#include "core/base/duration.hpp"

namespace appliance::api {
namespace {

using Clock = std::chrono::steady_clock;

// The library knows no Unix sockets. It asks a virtual function for its connection, so the rest of it, which reads and
// writes whatever descriptor it is given, stays as it is.
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

std::string without_parameters(const std::string& type) {
    return type.substr(0, type.find(';'));
}

core::Result<Answer> judge(const httplib::Result& result, const UnixClient& client, const std::string& socket_path,
                           std::chrono::milliseconds timeout, Clock::duration elapsed) {
    if (result) {
        return Answer{static_cast<unsigned>(result->status),
                      without_parameters(result->get_header_value("Content-Type")), result->body};
    }
    const auto what = fmt::format("cannot reach gatehouse at {}", socket_path);
    if (client.connect_error() != 0) {
        return core::fail_os(what, client.connect_error(), mend_for(client.connect_error()));
    }
    if (elapsed >= timeout) {
        return core::fail(what, fmt::format("no answer within {}", core::base::print_duration(timeout)),
                          "look at its log and try again");
    }
    return core::fail(what, "it went away before it answered",
                      "see with 'gatehouse status' what was done, then try again");
}

}  // namespace

core::Result<Answer> Client::get(const std::string& path, std::chrono::milliseconds timeout) const {
    UnixClient client(socket_path_, timeout);
    const auto start = Clock::now();
    const auto result = client.Get(path);
    return judge(result, client, socket_path_, timeout, Clock::now() - start);
}

core::Result<Answer> Client::post(const std::string& path, const std::string& body,
                                  std::chrono::milliseconds timeout) const {
    UnixClient client(socket_path_, timeout);
    const auto start = Clock::now();
    const auto result = client.Post(path, body, "application/json");
    return judge(result, client, socket_path_, timeout, Clock::now() - start);
}

}  // namespace appliance::api

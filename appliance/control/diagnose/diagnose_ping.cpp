// Ping, by ICMP sockets without privileges; net.ipv4.ping_group_range names the groups that may open them. The kernel
// writes the identifier and the checksum, and hands each socket the answers to its own echoes (icmp(7)).
#include <fmt/format.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <numeric>
#include <thread>

#include "appliance/control/diagnose/diagnose.hpp"
#include "core/base/descriptor.hpp"

namespace appliance::control::diagnose {
namespace {

using core::base::Descriptor;

constexpr std::chrono::milliseconds echo_max{1'000};
// ping(8) has long allowed no shorter interval without privileges: it floods no host.
constexpr std::chrono::milliseconds pause{200};

// Type, code, checksum, identifier, number: the same eight bytes in both families (RFC 792, RFC 4443).
using Echo = std::array<std::uint8_t, 40>;

// An error of its own where the kernel keeps such sockets for others.
std::string open_socket(const core::Address& address, Descriptor& socket) {
    const int protocol = address.is_v4() ? static_cast<int>(IPPROTO_ICMP) : static_cast<int>(IPPROTO_ICMPV6);
    socket.reset(::socket(address.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
    if (!socket.valid() && (errno == EACCES || errno == EPERM)) {
        return fmt::format(
            "the kernel gives no such socket to group gatehouse; sysctl net.ipv4.ping_group_range must "
            "include it, for example '{} {}'",
            ::getegid(), ::getegid());
    }
    sockaddr_storage storage{};
    const socklen_t length = address.fill(storage);
    const int on = 1;
    const int level = address.is_v4() ? IPPROTO_IP : IPPROTO_IPV6;
    // So that a router's "no such host" is told, too.
    if (!socket.valid() ||
        ::setsockopt(socket.get(), level, address.is_v4() ? IP_RECVERR : IPV6_RECVERR, &on, sizeof on) != 0 ||
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0) {
        return std::strerror(errno);
    }
    return {};
}

// What an ICMP message has said; empty where it was nothing.
std::string take_error(int socket) {
    Echo ignored{};
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
    while (::recv(socket, ignored.data(), ignored.size(), MSG_ERRQUEUE | MSG_DONTWAIT) >= 0) {
    }
    return error == 0 ? std::string() : std::strerror(error);
}

// Empty: its answer has come.
std::string exchange(int socket, bool is_v4, std::uint8_t number, Clock::time_point deadline) {
    Echo echo{};
    echo[0] = is_v4 ? std::uint8_t{ICMP_ECHO} : std::uint8_t{ICMP6_ECHO_REQUEST};
    echo[7] = number;
    if (::send(socket, echo.data(), echo.size(), MSG_NOSIGNAL) < 0) {
        return std::strerror(errno);
    }
    for (;;) {
        pollfd entry{socket, POLLIN, 0};
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0 || ::poll(&entry, 1, static_cast<int>(left.count())) <= 0) {
            return "no answer in time";
        }
        if ((entry.revents & POLLERR) != 0) {
            if (std::string error = take_error(socket); !error.empty()) {
                return error;
            }
        }
        Echo answer{};
        const std::uint8_t reply = is_v4 ? std::uint8_t{ICMP_ECHOREPLY} : std::uint8_t{ICMP6_ECHO_REPLY};
        const ssize_t count = ::recv(socket, answer.data(), answer.size(), MSG_DONTWAIT);
        // One that comes late belongs to an echo before.
        if (count >= 8 && answer[0] == reply && answer[7] == number) {
            return {};
        }
    }
}

void sum_up(Json& answer, const std::vector<double>& times) {
    answer["received"] = times.size();
    if (!times.empty()) {
        const auto [least, most] = std::minmax_element(times.begin(), times.end());
        const double mean = std::accumulate(times.begin(), times.end(), 0.0) / static_cast<double>(times.size());
        answer["least_ms"] = *least;
        answer["mean_ms"] = std::round(mean * 1000) / 1000;
        answer["most_ms"] = *most;
        answer["error"] = "";
    }
}

}  // namespace

Json ping(const std::string& host, unsigned count, core::Milliseconds timeout, const Place& place) {
    const auto deadline = Clock::now() + timeout;
    const Lookup found = look_up(host, deadline, place);
    Json answer{{"host", host},       {"address", ""},           {"sent", 0},
                {"received", 0},      {"least_ms", nullptr},     {"mean_ms", nullptr},
                {"most_ms", nullptr}, {"echoes", Json::array()}, {"error", found.error}};
    if (found.addresses.empty()) {
        return answer;
    }
    const core::Address& address = found.addresses.front();
    answer["address"] = address.host();
    Descriptor socket;
    if (std::string error = open_socket(address, socket); !error.empty()) {
        answer["error"] = std::move(error);
        return answer;
    }
    std::vector<double> times;
    for (unsigned number = 1; number <= count && Clock::now() < deadline; ++number) {
        const auto start = Clock::now();
        const auto share = (deadline - start) / static_cast<std::int64_t>(count - number + 1);
        std::string error = exchange(socket.get(), address.is_v4(), static_cast<std::uint8_t>(number),
                                     start + std::min<Clock::duration>(share, echo_max));
        const double took = ms_since(start);
        answer["sent"] = number;
        answer["error"] = error;
        answer["echoes"].push_back({{"number", number}, {"ms", took}, {"error", error}});
        if (error.empty()) {
            times.push_back(took);
        }
        if (number < count) {
            std::this_thread::sleep_until(std::min(start + pause, deadline));
        }
    }
    sum_up(answer, times);
    return answer;
}

}  // namespace appliance::control::diagnose

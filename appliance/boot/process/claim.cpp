#include "appliance/boot/process/claim.hpp"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>

namespace appliance::boot {
namespace {

using core::base::Descriptor;

// A name without a file: it belongs to the network namespace, as the tables do, and goes with the last descriptor.
constexpr std::string_view claim_name{"\0gatehouse/fences", 17};

sockaddr_un address() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(claim_name.begin(), claim_name.end(), address.sun_path);
    return address;
}

constexpr socklen_t address_size = offsetof(sockaddr_un, sun_path) + claim_name.size();

std::string read_proc(pid_t pid, std::string_view name) {
    std::ifstream file(fmt::format("/proc/{}/{}", pid, name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string command_of(pid_t pid) {
    std::string words = read_proc(pid, "cmdline");
    std::replace_if(
        words.begin(), words.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }, ' ');
    words.erase(words.find_last_not_of(' ') + 1);
    return words;
}

// Whether that process can set fences here: it has CAP_NET_ADMIN, in this user namespace. Any user can make another
// user namespace; that one maps other users than ours. Only its owner may read its identity.
bool may_keep_fences(pid_t pid) {
    constexpr std::string_view field = "\nCapEff:\t";
    const std::string status = read_proc(pid, "status");
    const auto at = status.find(field);
    std::uint64_t effective = 0;
    if (at == std::string::npos ||
        std::from_chars(status.data() + at + field.size(), status.data() + status.size(), effective, 16).ec !=
            std::errc()) {
        return false;
    }
    const std::string users = read_proc(pid, "uid_map");
    return (effective >> unsigned{CAP_NET_ADMIN} & 1U) != 0 && !users.empty() &&
           users == read_proc(::getpid(), "uid_map");
}

// Finds the owner of the name: the kernel keeps the credentials of the process that called listen().
core::Result<Descriptor> judge_owner() {
    const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const sockaddr_un owner = address();
    ucred facts{};
    socklen_t size = sizeof facts;
    if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&owner), address_size) != 0 ||
        ::getsockopt(probe.get(), SOL_SOCKET, SO_PEERCRED, &facts, &size) != 0) {
        return core::fail_os("cannot run a second gatehouse in this network namespace", errno, "try again");
    }
    if (facts.uid != 0 && !may_keep_fences(facts.pid)) {
        return Descriptor();
    }
    return core::fail("cannot run a second gatehouse in this network namespace",
                      fmt::format("process {} ({}) keeps its fences", facts.pid, command_of(facts.pid)),
                      fmt::format("stop it (kill {}), or run this one in a network namespace of its own", facts.pid));
}

}  // namespace

core::Result<Descriptor> claim_fences() {
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un wanted = address();
    if (socket.valid() && ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&wanted), address_size) != 0) {
        return errno == EADDRINUSE ? judge_owner() : core::fail_os("cannot claim the fences", errno);
    }
    // No connection is accepted: a caller only reads our credentials. With a full queue it gets EAGAIN.
    if (!socket.valid() || ::listen(socket.get(), SOMAXCONN) != 0) {
        return core::fail_os("cannot claim the fences", errno);
    }
    return socket;
}

}  // namespace appliance::boot

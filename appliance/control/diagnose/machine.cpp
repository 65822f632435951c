#include "appliance/control/diagnose/machine.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "core/base/address.hpp"

namespace appliance::control {
namespace {

using Json = nlohmann::ordered_json;

// What an attacker would ask for first, and what Gatehouse's own work rests on.
constexpr std::array<const char*, 14> settings{"kernel/modules_disabled",
                                               "kernel/io_uring_disabled",
                                               "kernel/kptr_restrict",
                                               "kernel/dmesg_restrict",
                                               "kernel/unprivileged_bpf_disabled",
                                               "kernel/yama/ptrace_scope",
                                               "kernel/randomize_va_space",
                                               "kernel/kexec_load_disabled",
                                               "user/max_user_namespaces",
                                               "fs/suid_dumpable",
                                               "net/core/somaxconn",
                                               "net/ipv4/ip_forward",
                                               "net/ipv4/tcp_syncookies",
                                               "net/ipv4/ping_group_range"};

// "0100007F:1F90" (proc(5): words in the machine's order) is 127.0.0.1:8080; nothing where it is none.
std::optional<core::Address> read_address(std::string_view text) {
    const auto colon = text.find(':');
    if ((colon != 8 && colon != 32) || text.size() != colon + 5) {
        return std::nullopt;
    }
    std::array<std::uint32_t, 4> words{};
    for (std::size_t at = 0; at < colon / 8; ++at) {
        std::from_chars(text.data() + 8 * at, text.data() + 8 * at + 8, words.at(at), 16);
    }
    std::uint16_t port = 0;
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), port, 16);
    sockaddr_storage storage{};
    if (colon == 8) {
        auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
        v4.sin_family = AF_INET;
        v4.sin_addr.s_addr = words[0];
    } else {
        auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
        v6.sin6_family = AF_INET6;
        std::memcpy(&v6.sin6_addr, words.data(), sizeof v6.sin6_addr);
    }
    return core::Address::from(storage).with_port(port);
}

// The sockets of one table that wait for a peer, by their state: TCP's 0A, and UDP's 07 without a peer.
void add_listening(const std::filesystem::path& table, const std::string& protocol, Json& sockets) {
    std::ifstream in(table);
    std::string line;
    std::getline(in, line);  // the columns' names
    while (std::getline(in, line)) {
        std::istringstream words(line);
        std::string number;
        std::string local;
        std::string peer;
        std::string state;
        words >> number >> local >> peer >> state;
        const bool tcp = protocol.starts_with("tcp");
        const bool waits = tcp ? state == "0A" : state == "07" && peer.ends_with(":0000");
        const auto address = waits ? read_address(local) : std::nullopt;
        if (!address) {
            continue;
        }
        const Json socket{{"protocol", protocol}, {"address", address->text()}};
        // One for each worker of a listener: once is enough.
        if (std::find(sockets.begin(), sockets.end(), socket) == sockets.end()) {
            sockets.push_back(socket);
        }
    }
}

Json read_memory(const std::filesystem::path& file) {
    Json memory = Json::object();
    std::ifstream in(file);
    for (std::string name; in >> name;) {
        std::uint64_t kibibytes = 0;
        std::string unit;
        in >> kibibytes;
        std::getline(in, unit);
        if (name == "MemTotal:" || name == "MemAvailable:") {
            memory[name == "MemTotal:" ? "total" : "available"] = kibibytes * 1024;
        }
    }
    return memory;
}

}  // namespace

Json view_machine(const std::filesystem::path& proc) {
    Json machine{{"memory", read_memory(proc / "meminfo")}, {"listening", Json::array()}, {"settings", Json::object()}};
    for (const char* table : {"tcp", "tcp6", "udp", "udp6"}) {
        add_listening(proc / "net" / table, table, machine["listening"]);
    }
    for (const std::string setting : settings) {
        std::ifstream in(proc / "sys" / setting);
        if (std::string value; std::getline(in, value)) {
            std::string name = setting;
            std::replace(name.begin(), name.end(), '/', '.');
            std::replace(value.begin(), value.end(), '\t', ' ');
            machine["settings"][name] = value;
        }
    }
    return machine;
}

}  // namespace appliance::control

// gatehouse-setup: takes what a hypervisor hands over at the start (SMBIOS or fw_cfg credentials), and nothing else of
// it: the configuration and the files that it names, and the network. It runs before the network, as root, once.
//
//   gatehouse.config       gatehouse.toml
//   gatehouse.certificate  certificate.pem     gatehouse.key   key.pem     gatehouse.client-ca  client_ca.pem
//   gatehouse.page         maintenance.html    gatehouse.network   lines of address=, gateway=, dns=
//
// A configuration that is missing or wrong is no reason to stay silent: one is put in its place whose only listener
// shows the maintenance page, and the console says why.
#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "images/setup/network.hpp"
#include "images/setup/smbios.hpp"

namespace images::setup {
namespace {

namespace fs = std::filesystem;
using Credentials = std::map<std::string, std::string>;

const fs::path folder = "/run/gatehouse-setup";

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> files{
    {{"gatehouse.config", "gatehouse.toml"},
     {"gatehouse.certificate", "certificate.pem"},
     {"gatehouse.key", "key.pem"},
     {"gatehouse.client-ca", "client_ca.pem"},
     {"gatehouse.page", "maintenance.html"}}};

// Nothing answers at the discard port of this machine, so visitors get the maintenance page.
constexpr std::string_view fallback =
    "[listen.web]\naddress = \"0.0.0.0:80\"\nmode = \"http\"\npool = \"none\"\n"
    "[listen.web6]\naddress = \"[::]:80\"\nmode = \"http\"\npool = \"none\"\n"
    "[server.none]\nhost = \"127.0.0.1\"\n"
    "[pool.none]\nport = 9\nservers = [\"none\"]\ncheck = { method = \"HEAD\", path = \"/\" }\n";

void say(const std::string& text) {
    const std::string line = "gatehouse-setup: " + text + "\n";
    static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
}

std::string read_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

Credentials collect() {
    Credentials credentials;
    const std::string table = read_file("/sys/firmware/dmi/tables/DMI");
    add_credentials(oem_strings(std::as_bytes(std::span(table.data(), table.size()))), credentials);
    std::error_code none;
    const fs::path handed = "/sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials";
    for (const auto& entry : fs::directory_iterator(handed, none)) {
        credentials.try_emplace(entry.path().filename().string(), read_file(entry.path() / "raw"));
    }
    return credentials;
}

// Readable for Gatehouse's processes, whose group it is given. False: it could not be written.
bool write_file(const fs::path& path, std::string_view text) {
    const group* owner = ::getgrnam("gatehouse");
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << text;
    out.close();
    if (!out || owner == nullptr || ::chown(path.c_str(), 0, owner->gr_gid) != 0 || ::chmod(path.c_str(), 0640) != 0) {
        say(fmt::format("cannot write {}: {}", path.string(), std::strerror(errno)));
        return false;
    }
    return true;
}

// What is wrong with it goes to where our own lines go.
bool check_configuration(const fs::path& path) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(STDERR_FILENO, STDOUT_FILENO);
        ::execl("/usr/bin/gatehouse", "gatehouse", "check", "-c", path.c_str(), nullptr);
        ::_exit(127);
    }
    int status = 0;
    return child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool set_network(const Credentials& credentials) {
    const auto given = credentials.find("gatehouse.network");
    if (given == credentials.end()) {
        return true;
    }
    const auto file = network_file(given->second);
    if (!file) {
        say("gatehouse.network: " + file.error().line() + "; DHCP is asked instead");
        return true;
    }
    std::error_code none;
    fs::create_directories("/run/systemd/network", none);
    std::ofstream out("/run/systemd/network/10-gatehouse.network");
    out << *file;
    out.close();
    return bool(out);
}

int set_up() {
    ::umask(0027);
    std::error_code error;
    fs::create_directories(folder, error);
    const group* owner = ::getgrnam("gatehouse");
    if (error || owner == nullptr || ::chown(folder.c_str(), 0, owner->gr_gid) != 0) {
        say(fmt::format("cannot make {}", folder.string()));
        return 1;
    }
    const Credentials credentials = collect();
    bool written = set_network(credentials);
    for (const auto& [name, file] : files) {
        if (const auto given = credentials.find(std::string(name)); given != credentials.end()) {
            written = write_file(folder / file, given->second) && written;
        }
    }
    const fs::path configuration = folder / "gatehouse.toml";
    if (!credentials.contains("gatehouse.config")) {
        say("there is no configuration. Give this machine one as the SMBIOS or fw_cfg credential gatehouse.config;"
            " until then port 80 shows the maintenance page");
        written = write_file(configuration, fallback) && written;
    } else if (!check_configuration(configuration)) {
        say("the configuration that was handed over is wrong, see above; until then port 80 shows the maintenance "
            "page");
        fs::rename(configuration, folder / "refused.toml", error);
        written = write_file(configuration, fallback) && written;
    }
    return written ? 0 : 1;
}

}  // namespace
}  // namespace images::setup

int main() {
    return images::setup::set_up();
}

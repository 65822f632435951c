// gatehouse-setup: takes from a hypervisor, once at each start: the configuration and the files that it names, the
// network, and where the journal goes. They come as SMBIOS or fw_cfg credentials, or on a small disk with the label
// GATEHOUSE, or cidata (cloud-init's NoCloud layout). It takes nothing else. It runs as root, before the network. The
// names on the right are those on the disk.
//
//   gatehouse.config       gatehouse.toml
//   gatehouse.certificate  certificate.pem     gatehouse.key   key.pem     gatehouse.client-ca  client_ca.pem
//   gatehouse.page         maintenance.html    gatehouse.network   lines of address=, gateway=, dns=, ntp=
//   gatehouse.token-hash   token-hash          the first operator of a machine without a configuration
//   gatehouse.update-ca    update_ca.pem       verifies a server of updates
//   gatehouse.log          log                 where the journal goes: lines of server=, name=
//   gatehouse.log-ca       log_ca.pem          verifies that server
//
// The configuration is kept on the data partition, where the API changes it. What is handed over counts again when it
// has changed since the last time. Secrets stay in memory. For a missing or wrong configuration another one stands in:
// its only listener shows the maintenance page, and the console says why.
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "images/setup/cloud_init.hpp"
#include "images/setup/log.hpp"
#include "images/setup/network.hpp"
#include "images/setup/smbios.hpp"
#include "images/setup/volume.hpp"

namespace images::setup {
namespace {

namespace fs = std::filesystem;
using Credentials = std::map<std::string, std::string>;

const fs::path folder = "/run/gatehouse-setup";            // gone with the power
const fs::path kept = "/var/lib/gatehouse/configuration";  // control's; so nothing here follows a link in it
const fs::path current = kept / "gatehouse.toml";
const fs::path previous = kept / "gatehouse.toml.previous";  // as `gatehouse config rollback` has it
const fs::path handed_before = kept / "handed.toml";
// Used where that one is missing or wrong. The kept one stays as it is: another version may accept it.
const fs::path spare = "/var/lib/gatehouse/spare";
const fs::path spare_file = spare / "gatehouse.toml";
const fs::path spare_made = spare / "made.toml";  // as it was made; spare_file differs after `config apply`

const fs::path log_folder = "/run/gatehouse-log-setup";

struct Handed {
    std::string_view credential;
    std::string_view file;  // on a volume
    bool beside = false;    // the configuration may name it, so a copy lies beside it
};

constexpr std::array<Handed, 10> all{{{"gatehouse.config", "gatehouse.toml"},
                                      {"gatehouse.certificate", "certificate.pem", true},
                                      {"gatehouse.key", "key.pem", true},
                                      {"gatehouse.client-ca", "client_ca.pem", true},
                                      {"gatehouse.page", "maintenance.html", true},
                                      {"gatehouse.update-ca", "update_ca.pem", true},
                                      {"gatehouse.network", "network"},
                                      {"gatehouse.log", "log"},
                                      {"gatehouse.log-ca", "log_ca.pem"},
                                      {"gatehouse.token-hash", "token-hash"}}};

constexpr std::uintmax_t volume_file_max = 1 << 20;

// Nothing answers at the discard port of this machine, so visitors get the maintenance page.
constexpr std::string_view page_alone =
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

// Nothing: there is none, or it is too big, which is logged.
std::optional<std::string> read_on_volume(const fs::path& mounted, std::string_view file) {
    std::error_code none;
    const auto size = fs::file_size(mounted / file, none);
    if (none) {
        return std::nullopt;
    }
    if (size == 0 || size > volume_file_max) {
        say(fmt::format("{} on the volume has {} bytes, where 1 to {} are taken", file, size, volume_file_max));
        return std::nullopt;
    }
    return read_file(mounted / file);
}

void read_our_layout(const fs::path& mounted, Credentials& credentials) {
    for (const Handed& handed : all) {
        if (auto content = read_on_volume(mounted, handed.file)) {
            credentials.try_emplace(std::string(handed.credential), std::move(*content));
        }
    }
}

void take_user_data(std::string_view text, Credentials& credentials) {
    const auto found = read_user_data(text);
    if (!found) {
        say(found.error().line());
        return;
    }
    for (const std::string& line : found->passed_over) {
        say("user-data: " + line);
    }
    for (const auto& [name, content] : found->files) {
        const auto* known =
            std::find_if(all.begin(), all.end(), [&name = name](const Handed& it) { return it.file == name; });
        if (known == all.end()) {
            say(fmt::format("user-data: /etc/gatehouse/{} means nothing here", name));
        } else {
            credentials.try_emplace(std::string(known->credential), content);
        }
    }
}

void read_nocloud(const fs::path& mounted, Credentials& credentials) {
    if (const auto text = read_on_volume(mounted, "user-data")) {
        take_user_data(*text, credentials);
    }
    if (const auto text = read_on_volume(mounted, "network-config")) {
        const auto lines = read_network_config(*text);
        if (!lines) {
            say(lines.error().line() + "; DHCP is asked instead");
        } else if (!lines->empty()) {
            credentials.try_emplace("gatehouse.network", *lines);
        }
    }
}

// Reads the files of the first block device that has one of the labels and can be mounted.
void read_volume(Credentials& credentials) {
    const fs::path mounted = folder / "volume";
    std::error_code none;
    for (const auto& device : fs::directory_iterator("/sys/class/block", none)) {
        const fs::path path = "/dev" / device.path().filename();
        std::string head(volume_head, '\0');
        std::ifstream(path, std::ios::binary).read(head.data(), static_cast<std::streamsize>(head.size()));
        const auto label = label_of(std::as_bytes(std::span(head.data(), head.size())));
        const bool ours = label && label->name == "GATEHOUSE";
        if (!ours && !(label && (label->name == "cidata" || label->name == "CIDATA"))) {
            continue;
        }
        fs::create_directory(mounted, none);
        if (::mount(path.c_str(), mounted.c_str(), label->type, MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
                    nullptr) != 0) {
            say(fmt::format("cannot read the volume {}: {}", path.string(), std::strerror(errno)));
            continue;
        }
        ours ? read_our_layout(mounted, credentials) : read_nocloud(mounted, credentials);
        ::umount2(mounted.c_str(), MNT_DETACH);
        return;
    }
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
    read_volume(credentials);
    return credentials;
}

// Writes a file of Gatehouse's group, readable for its processes; mode 0644: for all users. False: it could not be
// written, and the file is as it was.
bool write_file(const fs::path& path, std::string_view text, mode_t mode = 0640) {
    const group* owner = ::getgrnam("gatehouse");
    const std::string half = path.string() + ".new";
    ::unlink(half.c_str());
    const int fd = ::open(half.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    const bool good = fd >= 0 && owner != nullptr && ::fchmod(fd, mode) == 0 &&
                      ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                      ::fchown(fd, 0, owner->gr_gid) == 0 && ::fsync(fd) == 0;
    const int why = errno;
    if (fd >= 0) {
        ::close(fd);
    }
    if (!good || ::rename(half.c_str(), path.c_str()) != 0) {
        say(fmt::format("cannot write {}: {}", path.string(), std::strerror(good ? errno : why)));
        return false;
    }
    return true;
}

// Gives only a real folder of that name to Gatehouse, never the target of a link.
bool make_folder(const fs::path& path, bool to_write) {
    const passwd* owner = ::getpwnam("gatehouse");
    std::error_code error;
    fs::create_directories(path, error);
    const int fd = error ? -1 : ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const bool good = fd >= 0 && owner != nullptr && ::fchown(fd, to_write ? owner->pw_uid : 0, owner->pw_gid) == 0;
    if (fd >= 0) {
        ::close(fd);
    }
    if (!good) {
        say(fmt::format("cannot make {}", path.string()));
    }
    return good;
}

// Prints its problems to our standard error.
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
    // systemd-networkd reads it as a user of its own.
    const fs::path network_folder = "/run/systemd/network";
    std::error_code none;
    fs::create_directories(network_folder, none);
    fs::permissions(network_folder, fs::perms(0755), none);
    return write_file(network_folder / "10-gatehouse.network", *file, 0644);
}

// What gatehouse-log.service needs; it has a user of its own, and nothing in it is secret.
bool set_log(const Credentials& credentials) {
    const auto given = credentials.find("gatehouse.log");
    if (given == credentials.end()) {
        return true;
    }
    const fs::path authorities = log_folder / "ca.pem";
    const auto own = credentials.find("gatehouse.log-ca");
    const auto file =
        log_file(given->second, own == credentials.end() ? "/etc/ssl/certs/ca-certificates.crt" : authorities.string());
    if (!file) {
        say("gatehouse.log: " + file.error().line() + "; the journal stays here");
        return true;
    }
    return (own == credentials.end() || write_file(authorities, own->second, 0644)) &&
           write_file(log_folder / "rsyslog.conf", *file, 0644);
}

// The configuration for the page. With a token hash, a certificate and a key it also has the API, which takes a
// configuration.
std::string fallback(const Credentials& credentials) {
    std::string text(page_alone);
    const auto token = credentials.find("gatehouse.token-hash");
    if (token != credentials.end() && credentials.contains("gatehouse.certificate") &&
        credentials.contains("gatehouse.key")) {
        const std::string hash = token->second.substr(0, token->second.find_last_not_of(" \r\n") + 1);
        text += fmt::format(
            "[control]\nlisten = \"0.0.0.0:8443\"\ncertificate = \"certificate.pem\"\nkey = \"key.pem\"\n"
            "[access.first]\ntoken_sha256 = {}\nrole = \"admin\"\n",
            nlohmann::json(hash).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
    }
    return text;
}

// Makes a valid text the kept configuration; the one before becomes previous.
bool keep(const std::string& text) {
    const fs::path candidate = kept / "candidate.toml";
    if (!write_file(candidate, text)) {
        return false;
    }
    if (!check_configuration(candidate)) {
        ::unlink(candidate.c_str());
        return false;
    }
    ::rename(current.c_str(), previous.c_str());
    return ::rename(candidate.c_str(), current.c_str()) == 0;
}

// What gatehouse.service starts with.
bool choose(const fs::path& configuration) {
    return write_file(folder / "environment", "CONFIGURATION=" + configuration.string() + "\n");
}

// False: not even the page's configuration could be written.
bool set_configuration(const Credentials& credentials) {
    bool right = false;  // whether the kept one is known to be valid
    if (const std::string applied = read_file(spare_file); !applied.empty() && applied != read_file(spare_made)) {
        right = keep(applied);
    }
    const auto handed = credentials.find("gatehouse.config");
    if (handed != credentials.end() && handed->second != read_file(handed_before)) {
        if (keep(handed->second)) {
            right = true;
            write_file(handed_before, handed->second);
        } else {
            say("the configuration that was handed over is wrong, see above");
        }
    }
    if (right || (fs::exists(current) && check_configuration(current))) {
        ::unlink(spare_file.c_str());
        return choose(current);
    }
    say(fs::exists(current) ? "the configuration that was kept is wrong for this version, see above; it stays as it is"
        : handed == credentials.end()
            ? "there is no configuration. Give this machine one as the SMBIOS or fw_cfg credential gatehouse.config, "
              "on a "
              "volume with the label GATEHOUSE, or where it has a certificate, a key and a token-hash, with gatehouse "
              "config apply"
            : "there is no configuration that is right");
    say("until there is one, port 80 shows the maintenance page");
    std::string page = fallback(credentials);
    if (!write_file(spare_file, page)) {
        return false;
    }
    if (page != page_alone && !check_configuration(spare_file)) {
        say("gatehouse.token-hash, gatehouse.certificate and gatehouse.key do not make an API, see above");
        page = page_alone;
    }
    return write_file(spare_file, page) && write_file(spare_made, page) && choose(spare_file);
}

// Resets the machine where gatehouse-console has left the mark: a user at the console has asked for it.
void forget() {
    const fs::path mark = "/var/forget";
    std::error_code error;
    if (!fs::exists(mark, error)) {
        return;
    }
    for (const fs::path& place : {fs::path("/var/lib/gatehouse"), fs::path("/var/lib/gatehouse-update")}) {
        for (const auto& one : fs::directory_iterator(place, error)) {
            fs::remove_all(one.path(), error);
        }
    }
    fs::remove(mark, error);
    say(error ? "not everything could be taken off the data partition: " + error.message()
              : "everything was taken off the data partition, as asked for at the console");
}

int set_up() {
    ::umask(0027);
    forget();
    if (!make_folder(folder, false) || !make_folder(kept, true) || !make_folder(spare, true)) {
        return 1;
    }
    const Credentials credentials = collect();
    bool written = set_network(credentials);
    written = set_log(credentials) && written;
    for (const auto& [name, file, is_beside] : all) {
        if (!is_beside) {
            continue;
        }
        const auto given = credentials.find(std::string(name));
        written = (given == credentials.end() || write_file(folder / file, given->second)) && written;
        // No links: what a configuration names lies beneath its folder.
        for (const fs::path& beside : {kept, spare}) {
            const fs::path copy = beside / file;
            ::unlink(copy.c_str());
            written = (given == credentials.end() || write_file(copy, given->second)) && written;
        }
    }
    return set_configuration(credentials) && written ? 0 : 1;
}

}  // namespace
}  // namespace images::setup

int main() {
    return images::setup::set_up();
}

#include "images/update/status.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <mutex>

#include "appliance/base/bounded_json.hpp"
#include "images/update/release.hpp"

namespace images::update {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path request_file = "/var/lib/gatehouse/update-request.json";  // control's
const fs::path status_file = "/run/gatehouse-update/status.json";        // ours, readable for all users
const fs::path entries_folder = "/boot/EFI/Linux";
constexpr std::size_t request_max = 4096;

// Control's file, so it is untrusted: no link is followed, and nothing waits for a writer.
std::optional<json> read_request() {
    const int fd = ::open(request_file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return std::nullopt;
    }
    std::string text(request_max, '\0');
    const ssize_t got = ::read(fd, text.data(), text.size());
    ::close(fd);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    json request = appliance::base::parse_json(text, appliance::base::wide_bounds);
    return request.is_object() ? request : json::object();
}

std::string text_in(const json& object, const char* key) {
    const json value = object.is_object() ? object.value(key, json()) : json();
    return value.is_string() ? value.get<std::string>() : std::string();
}

}  // namespace

void say(const std::string& text) {
    const std::string line = text + "\n";  // the journal adds the unit's name
    static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
}

std::vector<std::pair<fs::path, Entry>> entries() {
    std::vector<std::pair<fs::path, Entry>> found;
    std::error_code none;
    for (const auto& file : fs::directory_iterator(entries_folder, none)) {
        if (auto entry = parse_entry(file.path().filename().string())) {
            found.emplace_back(file.path(), std::move(*entry));
        }
    }
    return found;
}

void write_status(std::string_view state, const std::string& what) {
    static std::mutex writing;
    const std::lock_guard lock(writing);
    json versions = json::array();
    for (const auto& [path, entry] : entries()) {
        versions.push_back({{"version", entry.version},
                            {"state", !entry.tries_left  ? "served"
                                      : entry.given_up() ? "given up"
                                                         : "to be tried"}});
    }
    const json status{{"running", running_version()}, {"state", state}, {"what", what}, {"versions", versions}};
    const fs::path half = status_file.string() + ".new";
    std::ofstream out(half, std::ios::trunc);
    out << status.dump(-1, ' ', false, json::error_handler_t::replace) << "\n";
    out.close();
    std::error_code error;
    fs::permissions(half, fs::perms(0644), error);
    fs::rename(half, status_file, error);
    if (!out || error) {
        say("cannot write " + status_file.string());
    }
    if (!what.empty()) {
        say(what);
    }
}

std::string last_state() {
    std::ifstream in(status_file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    return text_in(appliance::base::parse_json(text, appliance::base::wide_bounds), "state");
}

std::optional<json> take_request() {
    auto request = read_request();
    if (request) {
        write_status("asked", "");  // before the request is removed, so that a reader always sees one of them
    }
    // Also a folder or another kind of file: a request that stays would start us again at once.
    std::error_code ignored;
    fs::remove_all(request_file, ignored);
    return request;
}

std::string requested_action() {
    const auto request = read_request();
    return request ? text_in(*request, "action") : std::string();
}

}  // namespace images::update

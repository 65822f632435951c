// gatehouse-update: puts another version of the image into the slot that does not run, and goes back. It runs as root,
// for a moment: systemd starts it with the machine, and whenever the control process has left a request for it.
//
//   gatehouse-update look     says which versions are there, and does what is asked for
//   gatehouse-update tidy     clears up after a look that was ended by force
//   gatehouse-update health   ends well as soon as this version has served; systemd-boot counts its tries until then
//
// Nothing that control writes is trusted. A request names a place to fetch from, or asks to go back. What is fetched
// has to be signed by a key that the firmware boots. Every wait for a server is bounded. A Watch ends the process when
// an update takes too long, or when going back or a reboot is asked for meanwhile. The next look does that then.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include "appliance/api/client.hpp"
#include "appliance/base/bounded_json.hpp"
#include "images/update/entries.hpp"
#include "images/update/fetch.hpp"
#include "images/update/release.hpp"
#include "images/update/status.hpp"
#include "images/update/trust.hpp"
#include "images/update/watch.hpp"

extern char** environ;

namespace images::update {
namespace {

namespace fs = std::filesystem;
using core::base::fail;
using core::base::Result;
using nlohmann::json;
using namespace std::chrono_literals;

const fs::path work = "/var/lib/gatehouse-update";
const fs::path source_folder = work / "source";  // as the files in sysupdate.d have it
const fs::path expectation_file = work / "served";
const fs::path entries_folder = "/boot/EFI/Linux";
const fs::path trusted_keys = "/sys/firmware/efi/efivars/db-d719b2cb-3d3a-4596-a3bc-dad00e67656f";
const char* const ca_credential = "/run/gatehouse-setup/update_ca.pem";
constexpr auto fetch_within = 30min;    // all of it: 60 MB by 40 kB/s
constexpr auto install_within = 10min;  // the disk's, for as much
constexpr auto watch_step = 500ms;
constexpr auto serve_within = 150s;  // from the start of this program, not of the machine
constexpr auto page_after = 20s;     // of control's answers, where no server was up before the update either

std::string read_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// Runs the program to its end. Error: its last line of output.
Result<void> run(const std::vector<std::string>& words) {
    std::vector<char*> arguments;
    for (const std::string& word : words) {
        arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
        return core::base::fail_os("no pipe", errno);
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pipe[1], STDERR_FILENO);
    pid_t child = 0;
    const int failed = ::posix_spawn(&child, words.front().c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(pipe[1]);
    std::string said;
    std::array<char, 4096> some{};
    for (ssize_t got = 0; failed == 0 && (got = ::read(pipe[0], some.data(), some.size())) > 0;) {
        said.append(some.data(), static_cast<std::size_t>(got));
    }
    ::close(pipe[0]);
    int status = 0;
    if (failed != 0) {
        return core::base::fail_os("cannot start " + words.front(), failed);
    }
    if (::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return {};
    }
    while (said.ends_with('\n')) {
        said.pop_back();
    }
    const auto last = said.rfind('\n');
    say(said);
    return fail(fs::path(words.front()).filename().string() + " failed",
                last == std::string::npos ? said : said.substr(last + 1),
                "see the journal; nothing that runs was changed");
}

// Whether any server is up; nothing where control does not answer.
std::optional<bool> any_server_up() {
    const auto answer = appliance::api::Client(std::string(appliance::api::default_socket)).get("/v1/status", 5s);
    if (!answer || answer->status != 200) {
        return std::nullopt;
    }
    const json status = appliance::base::parse_json(answer->body, appliance::base::wide_bounds);
    if (!status.is_object()) {
        return std::nullopt;
    }
    for (const json& pool : status.value("pools", json::array())) {
        for (const json& backend : pool.value("backends", json::array())) {
            if (backend.value("state", "") == "up") {
                return true;
            }
        }
    }
    return false;
}

void remove_source() {
    std::error_code ignored;
    fs::remove_all(source_folder, ignored);
}

// Ends the process from another thread, also while the main one is blocked. The running version is never touched.
std::unique_ptr<Watch> watch(std::chrono::milliseconds limit, const char* what, bool (*is_wanted)(const std::string&)) {
    return std::make_unique<Watch>(
        limit, watch_step, [is_wanted] { return is_wanted(requested_action()); },
        [limit, what](Watch::Reason reason) {
            const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(limit).count();
            remove_source();
            write_status("refused", reason == Watch::Reason::too_long
                                        ? fmt::format("{} took longer than {} minutes: given up; nothing that runs was "
                                                      "changed; see the server of updates, then ask again",
                                                      what, minutes)
                                        : fmt::format("{} was given up for what was asked for since", what));
            ::_exit(0);
        });
}

Result<void> fetch_release(const Source& place, const Release& release, const std::string& ca_file) {
    std::error_code error;
    remove_source();
    fs::create_directories(source_folder, error);
    const auto room = error ? fs::space_info{} : fs::space(source_folder, error);
    if (error) {
        return core::base::fail_os("cannot make " + source_folder.string(), error.value());
    }
    if (auto enough = check_room(release, room.available); !enough) {
        return enough;
    }
    for (const File& file : release.files) {
        write_status("fetching", fmt::format("fetching {}", file.name));
        if (auto fetched = fetch_file(place, file, ca_file, source_folder); !fetched) {
            return fetched;
        }
    }
    return {};
}

// Gives a version that is installed already three new tries.
Result<void> try_again(const fs::path& entry, const std::string& version) {
    std::error_code error;
    fs::rename(entry, entries_folder / fmt::format("gatehouse_{}+3-0.efi", version), error);
    ::sync();
    return error ? core::base::fail_os("cannot mark version " + version, error.value()) : Result<void>();
}

// The release that the place offers, verified; only its files are not fetched yet.
Result<Release> ask(const Source& place, const std::string& ca_file) {
    const auto sums = fetch_text(place, "SHA256SUMS", ca_file);
    const auto signature = sums ? fetch_text(place, "SHA256SUMS.sig", ca_file) : sums;
    if (!signature) {
        return tl::unexpected(signature.error());
    }
    const std::string keys = read_file(trusted_keys);
    if (auto good = verify(*sums, *signature, certificates_in(std::as_bytes(std::span(keys.data(), keys.size()))));
        !good) {
        return tl::unexpected(good.error());
    }
    auto release = parse_release(*sums);
    if (!release) {
        return release;
    }
    const auto terms = fetch_text(place, release->terms.name, ca_file);
    if (!terms) {
        return tl::unexpected(terms.error());
    }
    return take_terms(*terms, *release)
        .and_then([&] { return check_fresh(*release, running_version(), core::base::wall_now()); })
        .map([&] { return std::move(*release); });
}

// Installs an update; returns the version that the next start takes.
Result<std::string> install(const std::string& url) {
    const auto place = Source::parse(url);
    if (!place) {
        return tl::unexpected(place.error());
    }
    const std::string ca_file = ::access(ca_credential, R_OK) == 0 ? ca_credential : "";
    write_status("fetching", "asking " + url + " for an update");
    auto watching = watch(fetch_within, "the fetching of an update",
                          [](const std::string& action) { return action == "rollback" || action == "reboot"; });
    const auto release = ask(*place, ca_file);
    if (!release) {
        return tl::unexpected(release.error());
    }
    std::ofstream(expectation_file, std::ios::trunc) << (any_server_up().value_or(false) ? "served" : "page");
    for (const auto& [path, entry] : entries()) {
        if (entry.version == release->version) {
            return try_again(path, entry.version).map([&] { return release->version; });
        }
    }
    auto done = fetch_release(*place, *release, ca_file);
    if (done) {
        watching.reset();
        write_status("installing", fmt::format("writing version {} into the other slot", release->version));
        // There is nothing to go back to while the other slot is written.
        watching = watch(install_within, "the writing of an update",
                         [](const std::string& action) { return action == "reboot"; });
        done = run({"/usr/lib/systemd/systemd-sysupdate", "--verify=no", "update", release->version});
    }
    watching.reset();
    remove_source();
    return done.map([&] { return release->version; });
}

// Makes the next start take the other version, which it returns.
Result<std::string> mark_this_one() {
    const std::string running = running_version();
    std::optional<fs::path> ours;
    std::optional<std::string> other;
    for (const auto& [path, entry] : entries()) {
        if (entry.version == running) {
            ours = path;
        } else if (!entry.given_up()) {
            other = entry.version;
        }
    }
    if (!ours || !other) {
        return fail("there is no version to go back to", "the other slot is empty, or was given up",
                    "install one with gatehouse update install");
    }
    std::error_code error;
    fs::rename(*ours, entries_folder / given_up_name(running), error);
    ::sync();
    return error ? Result<std::string>(core::base::fail_os("cannot mark version " + running, error.value()))
                 : Result<std::string>(*other);
}

int reboot() {
    const auto done = run({"/usr/bin/systemctl", "--no-block", "reboot"});
    if (!done) {
        write_status("refused", done.error().line());
    }
    return done ? 0 : 1;
}

// Clears up after a look that a signal or systemd has ended: the fetched files, and the state that it wrote last.
int tidy() {
    remove_source();
    if (const auto state = last_state(); state == "fetching" || state == "installing") {
        write_status("refused", "the update was stopped; nothing that runs was changed; ask for it again");
    }
    return 0;
}

int look() {
    remove_source();  // left by a power cut
    const auto request = take_request();
    if (!request) {
        write_status("idle", "");
        return 0;
    }
    const std::string action = request->value("action", "");
    if (action == "reboot") {
        write_status("rebooting", "rebooting, as asked for");
        return reboot();
    }
    if (action != "install" && action != "rollback") {
        write_status("refused", "a request that is none");
        return 0;
    }
    const auto next = action == "install" ? install(request->value("source", "")) : mark_this_one();
    if (!next) {
        write_status("refused", next.error().line());
        return 0;
    }
    if (action == "install" && !request->value("reboot", false)) {
        write_status("installed", fmt::format("version {} is installed; it is tried with the next start", *next));
        return 0;
    }
    // A request that came meanwhile goes first: the next look does it, instead of this reboot.
    if (action == "install" && !requested_action().empty()) {
        write_status("installed", fmt::format("version {} is installed", *next));
        return 0;
    }
    write_status("rebooting", fmt::format("rebooting into version {}", *next));
    return reboot();
}

int health() {
    const bool server_expected = read_file(expectation_file) == "served";
    const auto begun = std::chrono::steady_clock::now();
    std::optional<std::chrono::steady_clock::time_point> answered;
    while (std::chrono::steady_clock::now() - begun < serve_within) {
        const auto up = any_server_up();
        const auto now = std::chrono::steady_clock::now();
        answered = up ? answered.value_or(now) : std::optional<std::chrono::steady_clock::time_point>();
        if (up == true || (answered && !server_expected && now - *answered >= page_after)) {
            say(fmt::format("version {} serves", running_version()));
            return 0;
        }
        std::this_thread::sleep_for(1s);
    }
    say(fmt::format("version {} has not served within {} seconds; the machine starts anew", running_version(),
                    serve_within.count()));
    return 1;
}

}  // namespace
}  // namespace images::update

int main(int count, char** words) {
    ::umask(0022);
    const std::string_view verb = count == 2 ? words[1] : "";
    try {
        if (verb == "look") {
            return images::update::look();
        }
        if (verb == "health") {
            return images::update::health();
        }
        if (verb == "tidy") {
            return images::update::tidy();
        }
    } catch (const std::exception& error) {  // JSON of another shape than agreed
        images::update::write_status("refused", error.what());
        return 1;
    }
    images::update::say("usage: gatehouse-update look | health | tidy");
    return 2;
}

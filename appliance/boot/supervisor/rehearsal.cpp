#include "appliance/boot/supervisor/rehearsal.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "appliance/boot/confine/privileges.hpp"
#include "appliance/boot/process/spawn.hpp"
#include "appliance/boot/supervisor/handover.hpp"
#include "appliance/config/file/load.hpp"
#include "core/base/trusted_path.hpp"

namespace appliance::boot {
namespace {

constexpr std::string_view word = "--rehearse";
constexpr std::string_view greeting = "gatehouse ";
constexpr const char* nothing_changed = "nothing has changed; install a gatehouse that runs here, then try again";

std::string what(const std::string& program) {
    return "cannot upgrade to " + program;
}

int missing_file(const std::string& program) {
    struct stat facts {};
    if (::stat(program.c_str(), &facts) != 0 || ::access(program.c_str(), X_OK) != 0) {
        return errno;
    }
    return S_ISREG(facts.st_mode) ? 0 : EACCES;
}

// The first line of its output: a program prints the most important one first.
std::string first_line(int output) {
    std::array<char, 1024> bytes{};
    const ssize_t got = ::pread(output, bytes.data(), bytes.size(), 0);
    const std::string_view said(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    std::string line(said.substr(0, said.find('\n')));
    std::replace_if(
        line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
    return line;
}

}  // namespace

core::Result<Rehearsal> Rehearsal::begin(const std::string& program, const std::string& config) {
    if (const int error = missing_file(program); error != 0) {
        return core::fail_os(what(program), error, nothing_changed);
    }
    // It becomes the supervisor, with root's rights or root's network capabilities.
    if (auto trusted = core::base::check_trusted(program, ::geteuid()); !trusted) {
        return core::fail(what(program), trusted.error().line(), nothing_changed);
    }
    Rehearsal rehearsal;
    rehearsal.program_ = program;
    // In memory, so that its output never blocks it, and fills no disk.
    rehearsal.output_.reset(::memfd_create("gatehouse-rehearsal", MFD_CLOEXEC));
    if (!rehearsal.output_.valid()) {
        return core::fail_os(what(program), errno);
    }
    auto pid = spawn({std::string(word), std::to_string(Handover::format), config}, {},
                     {.path = program, .output = rehearsal.output_.get()});
    if (!pid) {
        return tl::unexpected(std::move(pid.error()));
    }
    rehearsal.pid_ = *pid;
    rehearsal.end_by_ = std::chrono::steady_clock::now() + time_limit;
    return rehearsal;
}

core::Result<std::string> Rehearsal::judge(int status) const {
    const std::string said = first_line(output_.get());
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && said.starts_with(greeting)) {
        return said.substr(greeting.size());
    }
    if (std::chrono::steady_clock::now() >= end_by_) {
        return core::fail(what(program_),
                          fmt::format("it did not say within {} s whether it can run here", time_limit.count()),
                          nothing_changed);
    }
    // The code of an exec that failed, see spawn().
    if (said.empty() && WIFEXITED(status) && WEXITSTATUS(status) == 127) {
        return core::fail(what(program_), "it cannot be executed", nothing_changed);
    }
    const std::string_view plain = said.starts_with("gatehouse: ") ? std::string_view(said).substr(11) : said;
    return core::fail(what(program_),
                      plain.empty() ? "its check ended with " + describe_exit(status) : std::string(plain),
                      nothing_changed);
}

bool is_rehearsal(int argc, const char* const* argv) noexcept {
    return argc == 4 && argv[1] == word;
}

int run_rehearsal(int /*argc*/, const char* const* argv) {
    if (argv[2] != std::to_string(Handover::format)) {
        fmt::print(stderr, "gatehouse: it cannot take over from the running version; restart the daemon instead\n");
        return 1;
    }
    const auto config = config::load(argv[3]);
    if (!config) {
        fmt::print(stderr, "{}\n", config.error().front().text());
        return 2;
    }
    // Control reads the file too, without privileges.
    const auto dropped = choose_account(config->proxy.user).and_then([](const Account& account) {
        return drop_privileges(Role::control, account);
    });
    if (!dropped) {
        fmt::print(stderr, "gatehouse: {}\n", dropped.error().line());
        return 1;
    }
    if (const auto again = config::load(argv[3]); !again) {
        fmt::print(stderr, "{}\n", again.error().front().text());
        return 2;
    }
    fmt::print("{}{}\n", greeting, GATEHOUSE_VERSION);
    return 0;
}

}  // namespace appliance::boot

#include "appliance/boot/supervisor/handover.hpp"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "appliance/base/bounded_json.hpp"

namespace appliance::boot {
namespace {

using core::base::Descriptor;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr const char* variable = "GATEHOUSE_HANDOVER";
constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

// CLOCK_MONOTONIC goes on over an exec.
std::int64_t write_time(Clock::time_point time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

Clock::time_point read_time(const json& count) {
    return Clock::time_point(std::chrono::milliseconds(count.get<std::int64_t>()));
}

Handover read(const json& from) {
    if (from.at("format") != Handover::format) {
        throw std::runtime_error("it is of another format");
    }
    Handover handover;
    handover.program = from.at("program");
    handover.control_path = from.at("control_path");
    handover.control_socket = from.at("control_socket");
    handover.claim = from.at("claim");
    handover.image = from.at("image");
    handover.leaving = from.at("leaving").get<std::vector<pid_t>>();
    for (const json& item : from.at("listeners")) {
        const auto address = core::Address::parse(item.at("address").get<std::string>());
        if (!address) {
            throw std::runtime_error(address.error().line());
        }
        handover.listeners.push_back({*address, item.at("sockets").get<std::vector<int>>()});
    }
    for (const json& item : from.at("proxies")) {
        Handover::Proxy proxy{item.at("pid"), item.at("link"), std::nullopt};
        if (!item.at("end_by_ms").is_null()) {
            proxy.end_by = read_time(item["end_by_ms"]);
        }
        handover.proxies.push_back(proxy);
    }
    const json& upgrade = from.at("upgrade");
    handover.upgrade = {upgrade.at("number"), upgrade.at("from"), upgrade.at("to"),   upgrade.at("proxy"),
                        upgrade.at("who"),    upgrade.at("why"),  upgrade.at("error")};
    return handover;
}

core::Result<Descriptor> make_memfd(const std::string& text) {
    // Not close-on-exec: the next program finds this one by its number.
    Descriptor file(::memfd_create("gatehouse-handover", MFD_ALLOW_SEALING));
    for (std::size_t done = 0; file.valid() && done < text.size();) {
        const ssize_t wrote = ::write(file.get(), text.data() + done, text.size() - done);
        if (wrote < 0 && errno != EINTR) {
            return core::fail_os("cannot write the handover", errno);
        }
        done += static_cast<std::size_t>(std::max<ssize_t>(wrote, 0));
    }
    if (!file.valid() || ::fcntl(file.get(), F_ADD_SEALS, seals) != 0) {
        return core::fail_os("cannot make the handover", errno);
    }
    return file;
}

core::Result<std::string> read_memfd(int file) {
    struct stat facts {};
    // The seals show that it is the handover, and not another file with that number.
    if (::fcntl(file, F_GET_SEALS) != seals || ::fstat(file, &facts) != 0) {
        return core::fail("cannot take over", std::string(variable) + " names nothing of ours",
                          "unset it, it is for gatehouse itself");
    }
    std::string text(static_cast<std::size_t>(facts.st_size), '\0');
    for (std::size_t done = 0; done < text.size();) {
        const ssize_t got = ::pread(file, text.data() + done, text.size() - done, static_cast<off_t>(done));
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return core::fail_os("cannot take over", got == 0 ? EIO : errno);
        }
        done += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    }
    return text;
}

void keep_over_exec(const std::vector<int>& fds, bool keep) {
    for (const int fd : fds) {
        ::fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
    }
}

}  // namespace

std::vector<int> Handover::descriptors() const {
    std::vector<int> all{control_socket, claim, image};
    for (const Listening& listening : listeners) {
        all.insert(all.end(), listening.sockets.begin(), listening.sockets.end());
    }
    for (const Proxy& proxy : proxies) {
        all.push_back(proxy.link);
    }
    std::erase_if(all, [](int fd) { return fd < 0; });
    return all;
}

std::string print(const Handover& handover) {
    json listeners = json::array();
    for (const auto& listening : handover.listeners) {
        listeners.push_back({{"address", listening.address.text()}, {"sockets", listening.sockets}});
    }
    json proxies = json::array();
    for (const auto& proxy : handover.proxies) {
        const json end_by = proxy.end_by ? json(write_time(*proxy.end_by)) : json();
        proxies.push_back({{"pid", proxy.pid}, {"link", proxy.link}, {"end_by_ms", end_by}});
    }
    const Upgrade& upgrade = handover.upgrade;
    const json all{{"format", Handover::format},
                   {"program", handover.program},
                   {"control_path", handover.control_path},
                   {"control_socket", handover.control_socket},
                   {"claim", handover.claim},
                   {"image", handover.image},
                   {"leaving", handover.leaving},
                   {"listeners", std::move(listeners)},
                   {"proxies", std::move(proxies)},
                   {"upgrade",
                    {{"number", upgrade.number},
                     {"from", upgrade.from},
                     {"to", upgrade.to},
                     {"proxy", upgrade.proxy},
                     {"who", upgrade.who},
                     {"why", upgrade.why},
                     {"error", upgrade.error}}}};
    return all.dump(-1, ' ', false, json::error_handler_t::replace);
}

core::Result<Handover> parse_handover(const std::string& text) {
    try {
        return read(base::parse_json(text, base::wide_bounds));
    } catch (const std::exception& error) {
        return core::fail("cannot take over from the program before", error.what());
    }
}

core::Error become(const Handover& handover, const std::string& config, int image) {
    auto file = make_memfd(print(handover));
    if (!file) {
        return std::move(file.error());
    }
    std::array<std::string, 4> words{handover.program, "run", "-c", config};
    std::array<char*, 5> arguments{words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
    ::setenv(variable, std::to_string(file->get()).c_str(), 1);
    keep_over_exec(handover.descriptors(), true);
    if (image >= 0) {
        ::fexecve(image, arguments.data(), environ);
    } else {
        ::execv(handover.program.c_str(), arguments.data());
    }
    const int error = errno;
    keep_over_exec(handover.descriptors(), false);
    ::unsetenv(variable);
    return core::fail_os("cannot execute " + handover.program, error).value();
}

core::Result<std::optional<Handover>> take_handover() {
    const char* number = ::getenv(variable);
    if (number == nullptr) {
        return std::optional<Handover>();
    }
    const Descriptor file(std::atoi(number));
    ::unsetenv(variable);
    return read_memfd(file.get()).and_then(parse_handover).map([](Handover handover) {
        keep_over_exec(handover.descriptors(), false);
        return std::optional(std::move(handover));
    });
}

std::string program_path() {
    const auto* name = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
    std::error_code ignored;
    return name == nullptr ? std::string() : std::filesystem::absolute(name, ignored).string();
}

}  // namespace appliance::boot

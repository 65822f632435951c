#include "appliance/boot/roles.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "appliance/boot/confine/privileges.hpp"
#include "appliance/boot/confine/sandbox.hpp"
#include "appliance/boot/process/claim.hpp"
#include "appliance/boot/process/file_limit.hpp"
#include "appliance/boot/proxy/proxy_role.hpp"
#include "appliance/boot/supervisor/handover.hpp"
#include "appliance/boot/supervisor/supervisor.hpp"
#include "appliance/config/file/load.hpp"
#include "appliance/control/run.hpp"
#include "appliance/control/state/configuration_file.hpp"
#include "appliance/link/event.hpp"
#include "appliance/link/first_words.hpp"
#include "core/base/thread_name.hpp"
#include "netfilter/agent/helper.hpp"
#include "netfilter/agent/redirect_gate.hpp"
#include "netfilter/fence/fence_manager.hpp"

namespace appliance::boot {
namespace {

constexpr int failed = 1;
constexpr int invalid = 2;

int complain(const core::Error& error) {
    fmt::print(stderr, "gatehouse: {}\n", error.line());
    return failed;
}

int complain(const config::Problems& problems) {
    for (const config::Problem& problem : problems) {
        fmt::print(stderr, "{}\n", problem.text());
    }
    return invalid;
}

// The supervisor writes these for its children. Any other form is a bug, or a start by hand.
struct Arguments {
    Role role = Role::control;
    Account account;
    std::string config;
};

unsigned read_number(std::string_view text) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
        throw std::invalid_argument("--role is for gatehouse itself; use: gatehouse run -c FILE");
    }
    return number;
}

Arguments read_arguments(int argc, const char* const* argv) {
    Arguments arguments;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i];
        const std::string_view value = argv[i + 1];
        if (name == "--role") {
            const auto role = parse_role(value);
            arguments.role = role ? *role : throw std::invalid_argument("no role " + std::string(value));
        } else if (name == "--user") {
            arguments.account.name = value;
        } else if (name == "--uid") {
            arguments.account.uid = read_number(value);
        } else if (name == "--gid") {
            arguments.account.gid = read_number(value);
        } else if (name == "--config") {
            arguments.config = value;
        }
    }
    if (arguments.account.name.empty()) {
        throw std::invalid_argument("--role is for gatehouse itself; use: gatehouse run -c FILE");
    }
    return arguments;
}

// Makes the kernel kill control first when memory runs out. Control reads foreign input, it is started again at once,
// and visitors do not need it. Call it while /proc/self still belongs to the process's user. Without /proc nothing
// changes.
void go_first_without_memory() {
    const core::base::Descriptor file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
    if (file.valid()) {
        static_cast<void>(!::write(file.get(), "500", 3));
    }
}

int run_control(const Arguments& arguments) {
    auto config = config::load(arguments.config);
    if (!config) {
        return complain(config.error());
    }
    const std::vector<std::filesystem::path> folders{config->control.state,
                                                     control::ConfigurationFile::folder_of(config->file)};
    if (const auto confined = confine(Role::control, folders); !confined) {
        return complain(confined.error());
    }
    return control::run(std::move(*config), core::base::Descriptor(link_fd), core::base::Descriptor(api_fd));
}

int run_confined_proxy() {
    if (const auto confined = confine(Role::proxy, {}); !confined) {
        return complain(confined.error());
    }
    return run_proxy(core::base::Descriptor(link_fd));
}

int run_fence() {
    auto manager = netfilter::FenceManager::open();
    if (!manager) {
        return complain(manager.error());
    }
    netfilter::RedirectGate gate{core::base::Descriptor(bounds_fd)};
    if (const auto confined = confine(Role::fence, {}); !confined) {
        return complain(confined.error());
    }
    link::release_errors();
    const auto served = netfilter::serve(link_fd, *manager, [&gate](auto redirects) { return gate.pass(redirects); });
    return served ? 0 : complain(served.error());
}

core::Result<Origin> find_origin(const std::optional<Handover>& before) {
    if (before) {
        return Origin{before->program, core::base::Descriptor(before->claim)};
    }
    return check_privileges().and_then(claim_fences).map([](core::base::Descriptor claim) {
        return Origin{program_path(), std::move(claim)};
    });
}

int supervise(config::Config config, Account account, const std::optional<Handover>& before) {
    auto origin = find_origin(before);
    if (!origin) {
        return complain(origin.error());
    }
    if (before) {
        config.control.socket = before->control_path;  // operators use this one; a new path needs a restart
    }
    // Signals are blocked before the log's thread starts, so that none of them is delivered there.
    block_signals();
    core::base::Log log(STDOUT_FILENO);
    if (const auto sessions = sessions_short(config); sessions > 0) {
        log.write(link::event_line("limit", {{"sessions", sessions},
                                             {"why",
                                              "the limit of open files leaves each worker room for no more at "
                                              "once; raise it: LimitNOFILE=, ulimit -n"}}));
    }
    Supervisor supervisor(config, std::move(account), log, std::move(*origin));
    if (const auto ready = before ? supervisor.resume(*before) : supervisor.open(); !ready) {
        return complain(ready.error());
    }
    return supervisor.run();
}

// The previous program can still be executed, and its proxy serves. Returns only where that fails.
void go_back(const std::optional<Handover>& before, const std::string& config, std::string why) {
    if (before && before->image >= 0) {
        Handover back = *before;
        back.image = -1;
        back.upgrade.error = std::move(why);
        complain(become(back, config, before->image));
    }
}

}  // namespace

int run_daemon(const std::string& file) {
    core::base::name_thread("gatehouse");
    ::signal(SIGPIPE, SIG_IGN);
    block_harmless_signals();
    raise_file_limit();
    if (const auto enough = check_file_limit(files_needed()); !enough) {
        return complain(enough.error());
    }
    const auto before = take_handover();
    if (!before) {
        return complain(before.error());
    }
    auto config = config::load(file);
    if (!config) {
        go_back(*before, file, config.error().front().text());
        return complain(config.error());
    }
    auto account = check_file_limit(files_needed(*config, sessions_least)).and_then([&config] {
        return choose_account(config->proxy.user);
    });
    if (!account) {
        go_back(*before, file, account.error().line());
        return complain(account.error());
    }
    return supervise(std::move(*config), std::move(*account), *before);
}

bool is_child(int argc, const char* const* argv) noexcept {
    return argc > 1 && std::strcmp(argv[1], "--role") == 0;
}

int run_child(int argc, const char* const* argv) {
    const Arguments arguments = read_arguments(argc, argv);
    core::base::name_thread(fmt::format("gatehouse-{}", print(arguments.role)));
    ::signal(SIGPIPE, SIG_IGN);
    link::keep_errors(errors_fd);
    if (arguments.role == Role::control) {
        go_first_without_memory();
    }
    if (const auto dropped = drop_privileges(arguments.role, arguments.account); !dropped) {
        return complain(dropped.error());
    }
    switch (arguments.role) {
        case Role::control:
            return run_control(arguments);
        case Role::proxy:
            return run_confined_proxy();
        case Role::fence:
            return run_fence();
    }
    return failed;
}

}  // namespace appliance::boot

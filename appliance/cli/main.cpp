#include "appliance/cli/main.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "appliance/api/client.hpp"
#include "appliance/cli/change.hpp"
#include "appliance/cli/configuration.hpp"
#include "appliance/cli/deploy.hpp"
#include "appliance/cli/events.hpp"
#include "appliance/cli/exit_code.hpp"
#include "appliance/cli/host_fence.hpp"
#include "appliance/cli/operator_name.hpp"
#include "appliance/cli/outcome.hpp"
#include "appliance/cli/parser.hpp"
#include "appliance/cli/request.hpp"
#include "appliance/cli/support.hpp"
#include "appliance/cli/table.hpp"
#include "appliance/cli/token.hpp"
#include "appliance/cli/upgrade.hpp"
#include "appliance/cli/watch.hpp"

namespace appliance::cli {
namespace {

// False where the reader has gone, as `gatehouse rules --watch | head -3` does.
bool write(const std::string& text, std::FILE* stream) {
    return std::fwrite(text.data(), 1, text.size(), stream) == text.size() && std::fflush(stream) == 0;
}

int finish(const Outcome& outcome) {
    int code = outcome.code;
    // What was asked for and could not be written is a failure, unless the reader simply had enough.
    if (!write(outcome.out, stdout) && errno != EPIPE) {
        const auto error = core::fail_os("cannot write to standard output", errno, "what was asked was done");
        write("gatehouse: " + error.value().line() + "\n", stderr);
        code = code == done ? failed : code;
    }
    complain(outcome.err);
    if (code > 128) {
        // The thread that waits for the daemon's answer is still there, and uses what exit() would take down.
        std::_Exit(code);
    }
    return code;
}

bool is_host_fence(Command command) {
    return command == Command::host_fence_add || command == Command::host_fence_remove ||
           command == Command::host_fence_list;
}

Outcome ask(const Options& options) {
    const auto answer = send(request_for(options, operator_name()), options);
    return answer ? outcome_of(*answer, options, core::base::wall_now(), terminal_style()) : outcome_of(answer.error());
}

}  // namespace

int main(int argc, const char* const* argv, const Commands& hooks) {
    const auto options = parse(argc, argv, core::base::wall_now());
    if (!options) {
        write(options.error().text, options.error().code == done ? stdout : stderr);
        return options.error().code;
    }
    if (options->command == Command::run) {
        return hooks.run(options->config);
    }
    // A daemon that goes away in the middle of a request is an answer to print, not a signal to die of.
    std::signal(SIGPIPE, SIG_IGN);
    if (options->command == Command::check) {
        return finish(check_file(*options));
    }
    if (is_host_fence(options->command)) {
        return finish(host_fence(*options, operator_name(), core::base::wall_now(), terminal_style()));
    }
    if (options->command == Command::token) {
        return finish(make_token(*options));
    }
    if (options->command == Command::config_apply) {
        return finish(apply_configuration(*options, operator_name()));
    }
    if (options->command == Command::support) {
        return finish(support(*options));
    }
    if (options->command == Command::upgrade) {
        return finish(upgrade(*options, operator_name()));
    }
    if (options->command == Command::events) {
        return finish(follow_events(*options));
    }
    if (is_deploy(options->command)) {
        return deploy(*options, operator_name(), finish);
    }
    if (changes(options->command)) {
        return finish(change(*options, operator_name()));
    }
    return options->watch ? watch(*options, finish) : finish(ask(*options));
}

}  // namespace appliance::cli

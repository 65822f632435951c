#include "appliance/cli/main.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "appliance/cli/client/exit_code.hpp"
#include "appliance/cli/client/operator_name.hpp"
#include "appliance/cli/parser.hpp"
#include "appliance/cli/terminal/table.hpp"

namespace appliance::cli {
namespace {

// False with errno where it could not all be written; EPIPE: the reader has gone, as in `gatehouse rules --watch | head
// -3`.
bool write(const std::string& text, std::FILE* stream) {
    return std::fwrite(text.data(), 1, text.size(), stream) == text.size() && std::fflush(stream) == 0;
}

int print_outcome(const Outcome& outcome) {
    int code = outcome.code;
    // Output that could not be written is a failure, unless the reader has closed its end.
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

}  // namespace

int main(int argc, const char* const* argv, const Commands& hooks) {
    Common common;
    common.claimed_by = operator_name();
    common.now = core::base::wall_now();
    common.daemon = hooks.run;
    const auto invocation = parse(argc, argv, std::move(common));
    if (!invocation) {
        write(invocation.error().text, invocation.error().code == done ? stdout : stderr);
        return invocation.error().code;
    }
    if (!invocation->command->is_daemon()) {
        // A daemon that ends during a request is an error to print: SIGPIPE must not end this process.
        std::signal(SIGPIPE, SIG_IGN);
    }
    return invocation->command->run(print_outcome);
}

}  // namespace appliance::cli

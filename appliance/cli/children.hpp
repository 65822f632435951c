// Children: the operator's own commands, as children of this process: `sh -c` each, in a process group of its own, so
// that Ctrl-C does not hit them in the middle. Not thread safe.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/descriptor.hpp"
#include "core/base/result.hpp"

namespace appliance::cli {

class Children {
public:
    using Clock = std::chrono::steady_clock;

    struct Output {
        unsigned step = 0;
        std::string text;
    };
    struct Ended {
        unsigned step = 0;
        int exit_code = 0;    // 128 + signal, where one ended it
        std::string trouble;  // why it has not run to its end; else empty
    };

    Children() = default;
    Children(const Children&) = delete;
    Children& operator=(const Children&) = delete;
    // Kills what is running.
    ~Children();

    // After limit it is ended. extra: NAME=VALUE for its environment. A command that cannot be started is ended at
    // once.
    void start(unsigned step, const std::string& command, std::chrono::milliseconds limit,
               const std::vector<std::string>& extra);
    // SIGTERM, and five seconds later SIGKILL, to all of its group. why: what ended() says then.
    void cancel(unsigned step, const std::string& why);
    // Waits until there is output, an end, or patience is over. Returns what has come; an end comes after its output.
    void collect(std::chrono::milliseconds patience, std::vector<Output>& outputs, std::vector<Ended>& ended);
    // Steps of commands that have not been told as ended.
    [[nodiscard]] std::vector<unsigned> running() const;

private:
    struct Child {
        pid_t pid = 0;
        core::base::Descriptor output;  // of standard output and standard error together
        Clock::time_point limit;
        std::optional<Clock::time_point> kill_at{};
        std::string cancelled{};
        std::string trouble{};  // not started
    };

    void look_at_time(unsigned step, Child& child);
    void read(unsigned step, Child& child, std::vector<Output>& outputs);

    std::map<unsigned, Child> children_;
};

}  // namespace appliance::cli

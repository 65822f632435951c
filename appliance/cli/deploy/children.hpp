// Children: the operator's own commands: `sh -c` each, in a process group of its own, so that Ctrl-C does not hit them
// in the middle. A keeper process, the parent of each, ends its group when this process dies for any reason: else a
// second copy could be started beside the first. Not thread safe; one thread starts them all and lives as long as they.
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

    // How long an unfinished line is waited for.
    static constexpr std::chrono::milliseconds line_patience{1'000};
    // A line that is longer is told in pieces.
    static constexpr std::size_t line_max = 8192;

    // Whole lines; exceptions: a command's last line, one that did not end within line_patience, one that is too long.
    struct Output {
        unsigned step = 0;
        std::string text;
    };
    struct Ended {
        unsigned step = 0;
        int exit_code = 0;    // 128 + signal, where one ended it
        std::string trouble;  // why it has not run to its end; else empty
    };

    explicit Children(std::chrono::milliseconds patience = line_patience) : line_patience_(patience) {}
    Children(const Children&) = delete;
    Children& operator=(const Children&) = delete;
    // Kills what is running.
    ~Children();

    // After limit it is ended. extra: NAME=VALUE for its environment. A command that cannot be started is ended at
    // once. False, and nothing is done, where the command of that step is running already.
    bool start(unsigned step, const std::string& command, std::chrono::milliseconds limit,
               const std::vector<std::string>& extra);
    // SIGTERM, and five seconds later SIGKILL, to all of its group. why: the trouble of its end.
    void cancel(unsigned step, const std::string& why);
    // The same for all, with SIGKILL after mercy. Returns when none is left, with what has come meanwhile.
    void end_all(const std::string& why, std::chrono::milliseconds mercy, std::vector<Output>& outputs,
                 std::vector<Ended>& ended);
    // Waits until there is output, an end, or patience is over. Returns what has come; an end comes after its output.
    void collect(std::chrono::milliseconds patience, std::vector<Output>& outputs, std::vector<Ended>& ended);
    // Steps of commands that have not been told as ended.
    [[nodiscard]] std::vector<unsigned> running() const;

private:
    struct Child {
        pid_t pid = 0;                  // of the keeper, and of its process group
        core::base::Descriptor output;  // of standard output and standard error together
        Clock::time_point limit;
        std::optional<Clock::time_point> kill_at{};
        std::string cancelled{};
        std::string trouble{};      // not started
        std::string unfinished{};   // line
        Clock::time_point begun{};  // when it was read
    };

    void look_at_time(unsigned step, Child& child);
    static void read(Child& child);
    void tell_lines(unsigned step, Child& child, bool last, std::vector<Output>& outputs) const;

    std::chrono::milliseconds line_patience_;
    std::map<unsigned, Child> children_;
};

}  // namespace appliance::cli

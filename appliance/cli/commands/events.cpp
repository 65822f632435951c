// `gatehouse events`: prints what happens as the daemon says it.
#include <CLI/CLI.hpp>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <optional>

#include "appliance/cli/client/command.hpp"
#include "appliance/cli/client/exit_code.hpp"
#include "appliance/cli/views/event.hpp"

namespace appliance::cli {
namespace {

// The daemon says something at least every 10 seconds.
constexpr std::chrono::seconds silence_max{30};

class EventsCommand : public Command {
public:
    using Command::Command;

    void declare(CLI::App& app, Common& /*common*/) override {
        app.add_flag("--all", all_, "Print the recent past events first");
        app.footer("Example: gatehouse events --json | jq 'select(.event == \"fence\")'");
    }
    int run(const Finish& finish) override { return finish(follow()); }

private:
    // Until the daemon ends, or standard output cannot be written.
    [[nodiscard]] Outcome follow() const {
        EventReader reader;
        const Style style = terminal_style();
        std::optional<int> unwritten;  // errno
        const auto print = [&](const std::string& kind, const std::string& data) {
            if (kind == "missed") {
                std::fputs("gatehouse: some events were too long ago and are not shown\n", stderr);
                return true;
            }
            const std::string out = common().json ? data + "\n" : show_event(data, style);
            if (std::fwrite(out.data(), 1, out.size(), stdout) != out.size() || std::fflush(stdout) != 0) {
                unwritten = errno;
            }
            return !unwritten;
        };
        const auto answer = client_for(common()).follow(
            all_ ? "/v1/events?after=0" : "/v1/events",
            [&](std::string_view bytes) { return reader.read(bytes, print); }, silence_max);
        if (unwritten) {
            return outcome_of_unwritten(*unwritten);
        }
        if (!answer) {
            return outcome_of(answer.error());
        }
        if (answer->status != 200) {
            return refusal_of(*answer);
        }
        return {unreachable, {}, "gatehouse: the daemon has ended this; try again when it is back\n"};
    }

    bool all_ = false;
};

}  // namespace

extern const Maker make_events = make<EventsCommand>;

}  // namespace appliance::cli

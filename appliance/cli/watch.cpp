#include "appliance/cli/watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "appliance/api/client.hpp"
#include "appliance/base/bounded_json.hpp"
#include "appliance/cli/exit_code.hpp"
#include "appliance/cli/request.hpp"
#include "appliance/cli/view.hpp"

namespace appliance::cli {
namespace {

// On a terminal hits and times are shown growing; anywhere else only a change is worth a line.
constexpr std::chrono::seconds terminal_patience{1};
constexpr std::chrono::seconds piped_patience{20};

// What the daemon calls the state of its answer; nothing where it does not say.
std::optional<std::int64_t> revision_of(const api::Answer& answer) {
    const Json body = base::parse_json<Json>(answer.body, base::wide_bounds);
    return field(body, "revision").is_number() ? std::optional(number(body, "revision")) : std::nullopt;
}

}  // namespace

int watch(const Options& options, int (*finish)(const Outcome&)) {
    const auto wait = terminal_style().terminal ? terminal_patience : piped_patience;
    const api::Client client = client_for(options);
    std::optional<std::int64_t> shown;
    for (bool first = true;; first = false) {
        const Style style = terminal_style();  // the window may have become another one
        const auto path =
            shown ? fmt::format("/v1/rules?after={}&wait_ms={}", *shown, std::chrono::milliseconds(wait).count())
                  : std::string("/v1/rules");
        const auto answer = client.get(path, api::Client::answer_timeout + wait);
        Outcome outcome =
            answer ? outcome_of(*answer, options, core::base::wall_now(), style) : outcome_of(answer.error());
        if (outcome.code != done) {
            return finish(outcome);
        }
        const auto revision = revision_of(*answer);
        if (first || style.terminal || revision != shown) {
            // On a terminal the table stays in its place; anywhere else an empty line parts one from the next.
            if (style.terminal && !options.json) {
                outcome.out = redraw(outcome.out, std::max<std::size_t>(terminal_height(), 2) - 1);
            } else if (!first && !options.json) {
                outcome.out.insert(0, "\n");
            }
            if (std::fwrite(outcome.out.data(), 1, outcome.out.size(), stdout) != outcome.out.size() ||
                std::fflush(stdout) != 0) {
                return finish(outcome_of_unwritten(errno));
            }
        }
        shown = revision;
        if (!shown) {
            std::this_thread::sleep_for(terminal_patience);  // a daemon that counts no changes
        }
    }
}

}  // namespace appliance::cli

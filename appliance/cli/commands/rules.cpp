// `gatehouse rules`: every fence in the kernel; --watch prints the table anew whenever fences change.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "appliance/base/bounded_json.hpp"
#include "appliance/cli/client/command.hpp"
#include "appliance/cli/client/exit_code.hpp"
#include "appliance/cli/terminal/table.hpp"
#include "appliance/cli/views/firewall.hpp"

namespace appliance::cli {
namespace {

// What another program did to the table, and what became of it; empty where none did anything.
std::string print_drift(const Json& rules, core::WallTime now, const Style& style) {
    const Json& last = field(rules, "last_drift");
    if (!last.is_object()) {
        return {};
    }
    const auto pid = number(last, "pid");
    const auto culprit = text(last, "culprit", "an unknown program") + (pid > 0 ? fmt::format(" (pid {})", pid) : "");
    const auto error = text(last, "error");
    return paragraph(
        fmt::format("drift: {} by {}, {} ago; {}", text(last, "what", "not known"), culprit,
                    print_since(last, "time", now),
                    error.empty() ? "put right, " + print_number(number(rules, "repairs"), "repair") + " so far"
                                  : "NOT put right: " + error),
        style);
}

// The other table; empty where there is none and none is meant to be.
std::string print_firewall(const Json& rules, core::WallTime now, const Style& style) {
    const Json& firewall = field(rules, "firewall");
    const bool off = text(firewall, "state", "off") == "off" && field(firewall, "in_kernel") != true;
    return firewall.is_object() && !off ? show_firewall(firewall, now, style) : std::string();
}

std::string show_rules(const Json& rules, core::WallTime now, const Style& style) {
    const Json& fences = items(rules, "fences");
    const auto name = text(rules, "table", "inet gatehouse");
    if (fences.empty()) {
        return paragraph(fmt::format("table {}: no fence in the kernel", name), style) +
               print_drift(rules, now, style) + print_firewall(rules, now, style);
    }
    Table table({{"SERVER"}, {"POOL"}, {"ADDRESS"}, {"MODE"}, {"HITS", true}, {"BY"}, {"FOR"}, {"LEFT"}});
    for (const Json& fence : fences) {
        std::vector<Cell> details;
        if (const auto why = text(fence, "why"); !why.empty()) {
            details.push_back({why});
        }
        const auto drift = text(fence, "drift");
        if (!drift.empty()) {
            details.push_back({"DRIFT: " + drift, Tone::bad});
        }
        if (const auto scope = text(fence, "scope", "new"); scope != "new") {
            details.push_back({"scope: " + scope});
        }
        table.add({{or_dash(text(fence, "server"))},
                   {or_dash(text(fence, "pool"))},
                   {text(fence, "address"), drift.empty() ? Tone::plain : Tone::bad},
                   {text(fence, "mode")},
                   {print_count(fence, "packets")},
                   {or_dash(print_owner(fence))},
                   {print_since(fence, "since", now)},
                   {print_until(fence, "until", now)}},
                  std::move(details));
    }
    const auto count = print_number(static_cast<std::int64_t>(fences.size()), "fence");
    return paragraph(fmt::format("table {}: {}", name, count), style) + print_drift(rules, now, style) +
           table.render(style) + print_firewall(rules, now, style);
}

// On a terminal hits and times are shown growing; anywhere else only a change is worth a line.
constexpr std::chrono::seconds terminal_patience{1};
constexpr std::chrono::seconds piped_patience{20};

// What the daemon calls the state of its answer; nothing where it does not say.
std::optional<std::int64_t> revision_of(const api::Answer& answer) {
    const Json body = base::parse_json<Json>(answer.body, base::wide_bounds);
    return field(body, "revision").is_number() ? std::optional(number(body, "revision")) : std::nullopt;
}

class RulesCommand : public Query {
public:
    using Query::Query;

    void declare(CLI::App& app, Common& /*common*/) override {
        auto* watch = app.add_flag("--watch", watch_, "Print again on every change, until Ctrl-C");
        app.add_flag("--nft", nft_, "Print the table as nft does")->excludes(watch, app.get_option("--json"));
        app.footer("Example: gatehouse rules --watch");
    }
    [[nodiscard]] Request request() const override { return get_request(nft_ ? "/v1/rules?format=nft" : "/v1/rules"); }
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override {
        return show_rules(body, screen.now, screen.style);
    }
    [[nodiscard]] Outcome outcome(const api::Answer& answer, const Screen& screen) const override {
        return nft_ && answer.status == 200 ? Outcome{done, answer.body, {}} : Query::outcome(answer, screen);
    }
    int run(const Finish& finish) override { return watch_ ? watch(finish) : Query::run(finish); }

private:
    // Until the daemon goes away, the reader goes away or Ctrl-C.
    int watch(const Finish& finish) const {
        const auto wait = terminal_style().terminal ? terminal_patience : piped_patience;
        const api::Client client = client_for(common());
        std::optional<std::int64_t> shown;
        for (bool first = true;; first = false) {
            const Style style = terminal_style();  // the window may have become another one
            const auto path =
                shown ? fmt::format("/v1/rules?after={}&wait_ms={}", *shown, std::chrono::milliseconds(wait).count())
                      : std::string("/v1/rules");
            const auto answer = client.get(path, api::Client::answer_timeout + wait);
            Outcome outcome =
                answer ? this->outcome(*answer, {core::base::wall_now(), style}) : outcome_of(answer.error());
            if (outcome.code != done) {
                return finish(outcome);
            }
            const auto revision = revision_of(*answer);
            if (first || style.terminal || revision != shown) {
                // On a terminal the table stays in its place; anywhere else an empty line parts one from the next.
                if (style.terminal && !common().json) {
                    outcome.out = redraw(outcome.out, std::max<std::size_t>(terminal_height(), 2) - 1);
                } else if (!first && !common().json) {
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

    bool watch_ = false;
    bool nft_ = false;
};

}  // namespace

extern const Maker make_rules = make<RulesCommand>;

}  // namespace appliance::cli

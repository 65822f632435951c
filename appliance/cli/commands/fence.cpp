// `gatehouse fence`: fences servers in one transaction.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <nlohmann/json.hpp>

#include "appliance/cli/client/arguments.hpp"
#include "appliance/cli/client/change.hpp"
#include "appliance/cli/client/exit_code.hpp"
#include "appliance/cli/terminal/table.hpp"
#include "appliance/cli/views/before.hpp"
#include "appliance/cli/views/standing.hpp"

namespace appliance::cli {
namespace {

// The kernel's clock for fences runs in seconds.
constexpr core::Milliseconds shortest_fence{1'000};

std::string check_scope(const std::string& text) {
    constexpr std::array<std::string_view, 2> scopes{"new", "all"};
    return std::find(scopes.begin(), scopes.end(), text) == scopes.end() ? unknown_word("scope", text, scopes)
                                                                         : std::string();
}

// "web1 in app (10.0.0.11:80)", as far as it is known.
std::string print_fenced(const Json& fence) {
    const auto server = text(fence, "server", "unknown server");
    const auto pool = text(fence, "pool");
    return fmt::format("{}{} ({})", server, pool.empty() ? "" : " in " + pool, text(fence, "address", "?"));
}

// What was asked for, where that is when it ends: the daemon's time is cut to seconds. A stricter one has its own.
std::string print_rest(const Json& fence, std::optional<core::Milliseconds> lasts, core::WallTime now) {
    const auto until = time(fence, "until");
    constexpr std::chrono::seconds blur{2};
    const bool asked = until && lasts && std::chrono::abs(*until - now - *lasts) < blur;
    return asked ? print_length(*lasts) : print_until(fence, "until", now);
}

class FenceCommand : public Change {
public:
    using Change::Change;

    void declare(CLI::App& app, Common& common) override {
        add_servers(app, common, "The servers to fence");
        add_mode(app, mode_);
        app.add_option_function<std::string>(
               "--scope", [this](const std::string& scope) { all_packets_ = scope == "all"; },
               "Refuse new flows (the default) or all")
            ->type_name("SCOPE")
            ->check(CLI::Validator(check_scope, ""));
        auto* drain = add_duration(app, "--drain", "Wait up to DURATION for in-flight requests to end",
                                   [this](core::Milliseconds duration) { drain_ = duration; });
        app.add_flag("--kill", kill_, "Cut in-flight requests and connections too")->excludes(drain);
        add_duration(app, "--for", "Lift the fence after this time", [this](core::Milliseconds duration) {
            if (duration < shortest_fence) {
                throw CLI::ValidationError("--for", "a fence lasts a second at least; write 1s or more");
            }
            lasts_ = duration;
        });
        app.add_flag("--replace", replace_,
                     "Replace another operator's fence; without it the\n"
                     "stricter of the two is kept, and the answer names\n"
                     "its owner");
        add_yes(app, common);
        add_why(app, common);
        app.footer(
            "Example: gatehouse fence web1 --drain 30s --why 'deploying 2.3'\n"
            "Returns when the rule is in the kernel and, with --drain, when the last\n"
            "request has finished (exit code 4 when the time runs out before that, 1 when\n"
            "the fence is lifted meanwhile). Standard error tells what it waits for.\n"
            "Ctrl-C prints the state and leaves it as it is (exit code 130). Before it\n"
            "fences the last server of a pool it warns, and asks on a terminal.");
    }
    [[nodiscard]] Request request() const override;
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override;
    [[nodiscard]] Outcome present(const Json& body, const Screen& screen) const override;
    [[nodiscard]] bool looks_before() const override { return true; }
    Warning consider(const Json& status) override { return before_fence(status, common()); }
    [[nodiscard]] std::vector<Telling> look(const api::Client& client) const override {
        const Json status = look_at(client, "/v1/status");
        return status.is_null() ? tell_not_known() : tell_fence(status, look_at(client, "/v1/rules"), common());
    }
    [[nodiscard]] std::string stands(const api::Client& client) const override {
        const Json status = look_at(client, "/v1/status");
        return status.is_null() ? not_known : fence_stands(status, common());
    }

private:
    std::optional<std::string> mode_;  // reset, icmp or drop; none: as configured
    bool all_packets_ = false;         // --scope all
    bool replace_ = false;
    bool kill_ = false;
    std::optional<core::Milliseconds> drain_;  // how long to wait for what is in flight
    std::optional<core::Milliseconds> lasts_;
};

Request FenceCommand::request() const {
    Json body = body_of_servers(common());
    if (mode_) {
        body["mode"] = *mode_;
    }
    if (all_packets_) {
        body["scope"] = "all";
    }
    if (drain_) {
        body["drain_ms"] = drain_->count();
    }
    if (kill_) {
        body["kill"] = true;
    }
    if (lasts_) {
        body["for_ms"] = lasts_->count();
    }
    if (replace_) {
        body["replace"] = true;
    }
    return change_request("/v1/fence", std::move(body), common(), drain_.value_or(core::Milliseconds{}));
}

std::string FenceCommand::show(const Json& body, const Screen& screen) const {
    std::string out;
    for (const Json& fence : items(body, "fences")) {
        const auto left = print_rest(fence, lasts_, screen.now);
        out += paragraph(fmt::format("fenced {}, mode {}{}", print_fenced(fence), text(fence, "mode", "?"),
                                     left == "-" ? "" : ", for " + left),
                         screen.style);
    }
    if (out.empty()) {
        out = paragraph("nothing to fence: all of it is fenced already", screen.style);
    }
    if (const Json& killed = field(body, "killed"); killed.is_object()) {
        const auto sockets = number(killed, "sockets");
        const auto forwarded = number(killed, "forwarded");
        out += paragraph(fmt::format("ended {}{}", print_number(sockets, "connection"),
                                     forwarded > 0 ? " and " + print_number(forwarded, "forwarded flow") : ""),
                         screen.style);
    }
    const Json& in_flight = field(body, "in_flight");
    if (drain_ && field(body, "drained") == true) {
        out += "drained: nothing is in flight\n";
    } else if (in_flight.is_null() && body.contains("in_flight")) {
        out += paragraph(print_in_flight(body, "in_flight"), screen.style);
    } else if (const auto count = number(body, "in_flight"); count > 0) {
        out += paragraph(fmt::format("{} still in flight", print_number(count, "request")), screen.style);
    }
    return out;
}

// A drain that ran out is code 4, though the fence was set.
Outcome FenceCommand::present(const Json& body, const Screen& screen) const {
    Outcome outcome = Change::present(body, screen);
    if (drain_ && field(body, "drained") == false) {
        outcome.code = timed_out;
        outcome.err += complaint(
            fmt::format("not drained within {}: {}; the fence holds, repeat the command to wait longer or use --kill",
                        core::base::print_duration(*drain_), print_in_flight(body, "in_flight")));
    }
    return outcome;
}

}  // namespace

extern const Maker make_fence = make<FenceCommand>;

}  // namespace appliance::cli

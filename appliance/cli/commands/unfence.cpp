// `gatehouse unfence`: lifts fences.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "appliance/cli/client/arguments.hpp"
#include "appliance/cli/client/change.hpp"
#include "appliance/cli/client/exit_code.hpp"
#include "appliance/cli/terminal/table.hpp"
#include "appliance/cli/views/standing.hpp"

namespace appliance::cli {
namespace {

class UnfenceCommand : public Change {
public:
    using Change::Change;

    void declare(CLI::App& app, Common& common) override {
        add_servers(app, common, "The servers to unfence");
        add_wait(app, common, "--wait", "Wait up to DURATION until a check passes");
        app.add_flag("--replace", replace_,
                     "Lift it at once, though a deploy's command runs\n"
                     "there; without it, wait for the command's end");
        add_why(app, common);
        app.footer(
            "Example: gatehouse unfence web1 --wait 60s\n"
            "With --wait, exit code 4 when no check has passed in time.");
    }
    [[nodiscard]] Request request() const override {
        Json body = body_of_servers(common());
        if (common().wait) {
            body["wait_ms"] = common().wait->count();
        }
        if (replace_) {
            body["replace"] = true;
        }
        // Before it lifts anything the daemon waits for a deploy's command that runs there.
        constexpr core::Milliseconds command_wait{60'000};
        return change_request("/v1/unfence", std::move(body), common(),
                              common().wait.value_or(core::Milliseconds{}) + command_wait);
    }
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override {
        const auto lifted = number(body, "lifted");
        std::string out = lifted == 0 ? "nothing was fenced" : "lifted " + print_number(lifted, "fence");
        if (common().wait && field(body, "passed") == true) {
            out += "; the first check has passed";
        } else if (lifted > 0 && !common().wait) {
            out += "; open after the next passed check";
        }
        return paragraph(out, screen.style);
    }
    // A wait that ran out is code 4, though the fence was lifted.
    [[nodiscard]] Outcome present(const Json& body, const Screen& screen) const override {
        Outcome outcome = Change::present(body, screen);
        if (common().wait && field(body, "passed") == false) {
            outcome.code = timed_out;
            outcome.err +=
                complaint(fmt::format("no check has passed within {}: the fence is lifted; see gatehouse status",
                                      core::base::print_duration(*common().wait)));
        }
        return outcome;
    }
    [[nodiscard]] std::vector<Telling> look(const api::Client& client) const override {
        const Json status = look_at(client, "/v1/status");
        return status.is_null() ? tell_not_known() : tell_unfence(status, common());
    }
    [[nodiscard]] std::string stands(const api::Client& client) const override {
        const Json status = look_at(client, "/v1/status");
        return status.is_null() ? not_known : unfence_stands(status, common());
    }

private:
    bool replace_ = false;  // also where a deploy's command runs
};

}  // namespace

extern const Maker make_unfence = make<UnfenceCommand>;

}  // namespace appliance::cli

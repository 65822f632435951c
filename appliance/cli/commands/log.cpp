// `gatehouse log`: the last lines of the daemon's log.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "appliance/base/bounded_json.hpp"
#include "appliance/cli/client/arguments.hpp"
#include "appliance/cli/client/command.hpp"
#include "appliance/cli/client/exit_code.hpp"
#include "appliance/cli/views/event.hpp"

namespace appliance::cli {
namespace {

// From the body itself: the fields of a line are shown in their order.
std::string show_log(const std::string& body, const Style& style) {
    using Ordered = nlohmann::ordered_json;
    const Ordered answer = base::parse_json<Ordered>(body, base::wide_bounds);
    std::string out;
    for (const Ordered& line : answer.is_object() ? answer.value("lines", Ordered::array()) : Ordered::array()) {
        out += show_event(line.dump(-1, ' ', false, Ordered::error_handler_t::replace), style);
    }
    return out.empty() ? "nothing has been logged yet\n" : out;
}

class LogCommand : public Query {
public:
    using Query::Query;

    void declare(CLI::App& app, Common& /*common*/) override {
        add_number(app, "--lines", lines_, 1, 1'000, "How many, 1 to 1000 (100)");
        app.footer(
            "Example: gatehouse log --lines 20\n"
            "The control process keeps these lines since its start. Requests are not among\n"
            "them. Print new events as they happen with: gatehouse events");
    }
    [[nodiscard]] Request request() const override { return get_request("/v1/log?lines=" + std::to_string(lines_)); }
    [[nodiscard]] Outcome outcome(const api::Answer& answer, const Screen& screen) const override {
        return common().json || !body_of(answer) ? Query::outcome(answer, screen)
                                                 : Outcome{done, show_log(answer.body, screen.style), {}};
    }

private:
    std::int64_t lines_ = 100;
};

}  // namespace

extern const Maker make_log = make<LogCommand>;

}  // namespace appliance::cli

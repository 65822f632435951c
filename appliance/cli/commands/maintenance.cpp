// `gatehouse maintenance`: the page, by hand.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "appliance/cli/client/arguments.hpp"
#include "appliance/cli/client/change.hpp"
#include "appliance/cli/terminal/table.hpp"
#include "appliance/cli/views/backends.hpp"
#include "appliance/cli/views/before.hpp"
#include "appliance/cli/views/one_pool.hpp"
#include "appliance/cli/views/standing.hpp"

namespace appliance::cli {
namespace {

// GET /v1/status knows too what visitors meet where no operator shows the page.
std::string show_maintenance(const Json& maintenance, core::WallTime now, const Style& style) {
    Table table({{"POOL"}, {"STATE"}, {"PAGE"}, {"BY"}, {"FOR"}, {"LEFT"}});
    for (const Json& pool : items(maintenance, "pools")) {
        const Json& page = field(pool, "maintenance");
        const bool on = page.is_object();
        std::vector<Cell> details;
        if (const auto why = text(page, "why"); !why.empty()) {
            details.push_back({why});
        }
        if (const auto message = text(page, "message"); !message.empty()) {
            details.push_back({"message: " + message});
        }
        const auto met = what_visitors_meet(maintenance, pool);
        if (!met.empty()) {
            details.push_back({met, Tone::bad});
        }
        table.add({{text(pool, "name")},
                   {text(pool, "state", "-")},
                   {on ? "on" : "off", on ? Tone::caution : Tone::good},
                   {or_dash(text(page, "who"))},
                   {print_since(page, "since", now)},
                   {print_until(page, "until", now)}},
                  std::move(details));
    }
    return table.empty() ? "no pools\n" : table.render(style);
}

// On and off.
class MaintenanceCommand : public Change {
public:
    MaintenanceCommand(const Common& common, bool on) : Change(common), on_(on) {}

    void declare(CLI::App& app, Common& common) override {
        add_pool(app, common, "Only this pool; else all of them");
        if (on_) {
            app.add_option("--message", message_, "Text of the page")->type_name("TEXT");
            add_time(app, "--until", "End time: 30m, or 2026-11-22T14:00Z", common.now,
                     [this, now = common.now](core::WallTime time, const std::string& text) {
                         if (time <= now) {
                             throw CLI::ValidationError("--until", fmt::format("'{}' is not in the future", text));
                         }
                         until_ = time;
                     });
        }
        add_yes(app, common);
        add_why(app, common);
        app.footer(
            fmt::format("Example: gatehouse maintenance {}\n"
                        "Without a pool it names all that it touches, and asks on a terminal.",
                        on_ ? "on app --message 'Back soon' --until 30m" : "off app --why 'done'"));
    }
    [[nodiscard]] Request request() const override {
        Json body{{"on", on_}};
        if (common().pool) {
            body["pool"] = *common().pool;
        }
        if (message_) {
            body["message"] = *message_;
        }
        if (until_) {
            body["until"] = core::base::print_time(*until_);
        }
        return change_request("/v1/maintenance", std::move(body), common());
    }
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override {
        return show_maintenance(body, screen.now, screen.style);
    }
    [[nodiscard]] bool looks_before() const override { return !common().pool; }
    Warning consider(const Json& status) override { return on_ ? before_page(status) : before_no_page(status); }
    [[nodiscard]] std::string stands(const api::Client& client) const override {
        const Json status = look_at(client, "/v1/status");
        return status.is_null() ? not_known : page_stands(status, common());
    }

private:
    bool on_;
    std::optional<std::string> message_;
    std::optional<core::WallTime> until_;
};

class MaintenanceStatusCommand : public Query {
public:
    using Query::Query;

    void declare(CLI::App& app, Common& common) override {
        add_pool(app, common, "Only this pool");
        app.footer("Example: gatehouse maintenance status --json");
    }
    [[nodiscard]] Request request() const override {
        return get_request(common().json ? "/v1/maintenance" : "/v1/status");
    }
    [[nodiscard]] Outcome present(const Json& body, const Screen& screen) const override {
        const auto shown = keep_pool(body, common().pool);
        return shown ? Query::present(*shown, screen) : outcome_of_failure(shown.error());
    }
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override {
        return show_maintenance(body, screen.now, screen.style);
    }
};

}  // namespace

extern const Maker make_maintenance_on = [](const Common& common) { return make<MaintenanceCommand>(common, true); };
extern const Maker make_maintenance_off = [](const Common& common) { return make<MaintenanceCommand>(common, false); };
extern const Maker make_maintenance_status = make<MaintenanceStatusCommand>;

}  // namespace appliance::cli

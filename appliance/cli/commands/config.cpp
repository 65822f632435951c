// `gatehouse config`: shows, replaces, confirms and rolls back the daemon's configuration.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "appliance/cli/client/arguments.hpp"
#include "appliance/cli/client/change.hpp"
#include "appliance/cli/client/exit_code.hpp"
#include "appliance/cli/terminal/table.hpp"
#include "appliance/cli/views/trial.hpp"
#include "appliance/config/model/config.hpp"
#include "appliance/config/values/text_file.hpp"

namespace appliance::cli {
namespace {

// PUT /v1/configuration, POST /v1/configuration/rollback: what it has changed, or would.
std::string show_applied(const Json& answer, const Style& style) {
    const bool dry_run = field(answer, "dry_run") == true;
    const std::string out = show_changed(answer, dry_run ? "would change" : "changed", style);
    if (dry_run) {
        return (out.empty() ? "nothing would change\n" : out) + "valid; nothing was written\n";
    }
    if (field(answer, "written") != true) {
        return (out.empty() ? "nothing has changed\n" : out) + show_trial(answer, style);
    }
    // A comment, or another layout: the daemon does what it did.
    return out +
           paragraph(fmt::format("written to {}{} (undo: gatehouse config rollback)", text(answer, "file"),
                                 out.empty() ? ", which says the same as before" : ""),
                     style) +
           show_trial(answer, style);
}

class ConfigShowCommand : public Query {
public:
    using Query::Query;

    void declare(CLI::App& app, Common& /*common*/) override {
        app.add_flag("--previous", previous_, "Print the previous file");
        app.footer("Example: gatehouse config show > gatehouse.toml");
    }
    [[nodiscard]] Request request() const override {
        return get_request(fmt::format("/v1/configuration?format=json{}", previous_ ? "&previous=1" : ""));
    }
    [[nodiscard]] std::string show(const Json& body, const Screen& /*screen*/) const override {
        return text(body, "text");
    }
    [[nodiscard]] Outcome present(const Json& body, const Screen& screen) const override {
        Outcome outcome = Query::present(body, screen);
        if (!previous_ && field(body, "trial").is_object()) {
            outcome.err += complaint(fmt::format("on trial until {}; gatehouse config confirm keeps it",
                                                 text(field(body, "trial"), "until")));
        }
        return outcome;
    }

private:
    bool previous_ = false;
};

class ConfigApplyCommand : public Change {
public:
    using Change::Change;

    void declare(CLI::App& app, Common& common) override {
        app.add_option("FILE", file_, "The new configuration")->type_name("")->required();
        app.add_flag("--dry-run", dry_run_, "Print problems and changes, and change nothing");
        add_confirm(app, confirm_);
        add_why(app, common);
        app.footer(
            "Example: gatehouse config apply new.toml --confirm 60s --why 'another check'\n"
            "Files that it names are those beside the daemon's own. A file with a problem\n"
            "changes nothing (exit code 2), and neither does one that cannot be loaded.\n"
            "With --confirm, it also goes back at once where a pool has no server left.");
    }
    // The body is the text itself, so the rest stands in the query.
    [[nodiscard]] Request request() const override {
        std::string path = "/v1/configuration?why=" + escape(common().why);
        path += common().claimed_by.empty() ? "" : "&claimed_by=" + escape(common().claimed_by);
        path += dry_run_ ? "&dry_run=1" : "";
        path += confirm_ ? fmt::format("&confirm_ms={}", confirm_->count()) : "";
        return {std::move(path), text_, api::Client::answer_timeout, Request::Method::put};
    }
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override {
        return show_applied(body, screen.style);
    }
    // Code 2 where the file cannot be read or is too long, or the daemon finds a problem in it.
    int run(const Finish& finish) override {
        auto text = config::read_text(file_, config::Bounds::file_bytes);
        if (!text) {
            return finish({wrong_usage, {}, complaint(text.error().line())});
        }
        text_ = std::move(*text);
        return Change::run(finish);
    }

private:
    std::string file_;
    std::string text_;  // what is in the file, from run() on
    bool dry_run_ = false;
    std::optional<core::Milliseconds> confirm_;
};

class ConfigConfirmCommand : public Change {
public:
    using Change::Change;

    void declare(CLI::App& app, Common& common) override {
        add_why(app, common);
        app.footer("Example: gatehouse config confirm\nExit code 1 where no change is on trial, or its time is over.");
    }
    [[nodiscard]] Request request() const override {
        return change_request("/v1/configuration/confirm", Json::object(), common());
    }
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override {
        const Json& confirmed = field(body, "confirmed");
        return paragraph(fmt::format("confirmed: what {} changed at {} counts for good", text(confirmed, "who"),
                                     text(confirmed, "since")),
                         screen.style);
    }
};

class ConfigRollbackCommand : public Change {
public:
    using Change::Change;

    void declare(CLI::App& app, Common& common) override {
        add_why(app, common);
        app.footer(
            "Example: gatehouse config rollback --why 'the third server is not ready'\n"
            "The current and the previous file swap: a second rollback undoes the first.");
    }
    [[nodiscard]] Request request() const override {
        return change_request("/v1/configuration/rollback", Json::object(), common());
    }
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override {
        return show_applied(body, screen.style);
    }
};

}  // namespace

extern const Maker make_config_show = make<ConfigShowCommand>;
extern const Maker make_config_apply = make<ConfigApplyCommand>;
extern const Maker make_config_confirm = make<ConfigConfirmCommand>;
extern const Maker make_config_rollback = make<ConfigRollbackCommand>;

}  // namespace appliance::cli

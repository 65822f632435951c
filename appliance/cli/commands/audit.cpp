// `gatehouse audit`: the audit log.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "appliance/cli/client/arguments.hpp"
#include "appliance/cli/client/command.hpp"
#include "appliance/cli/terminal/table.hpp"

namespace appliance::cli {
namespace {

Tone tone_of(const std::string& outcome) {
    const bool bad = outcome.starts_with("refused") || outcome.starts_with("failed");
    const bool open = outcome == "begun" || outcome.starts_with("not known");
    return bad ? Tone::bad : open ? Tone::caution : Tone::plain;
}

// "drain_ms" and 30000 are "drain 30s".
std::string in_words(const Json& value);
std::string in_words(const std::string& key, const Json& value) {
    constexpr std::string_view milliseconds = "_ms";
    if (key.ends_with(milliseconds) && value.is_number_integer()) {
        return fmt::format("{} {}", key.substr(0, key.size() - milliseconds.size()),
                           print_length(core::Milliseconds(value.get<std::int64_t>())));
    }
    return fmt::format("{} {}", key, in_words(value));
}

// "servers web1, web2; for 1m": what was asked for, without JSON's marks and what is empty.
std::string in_words(const Json& value) {
    if (value.is_string()) {
        return value.get<std::string>();
    }
    std::string words;
    if (value.is_array()) {
        for (const Json& item : value) {
            words += (words.empty() ? "" : ", ") + in_words(item);
        }
        return words;
    }
    if (value.is_object()) {
        for (const auto& [key, item] : value.items()) {
            if (item == "") {
                continue;
            }
            words += (words.empty() ? "" : "; ") + in_words(key, item);
        }
        return words;
    }
    return value.dump();
}

std::string show_audit(const Json& answer, core::WallTime now, const Style& style) {
    Table table({{"ID", true}, {"TIME"}, {"AGO", true}, {"WHO"}, {"FROM"}, {"WHAT"}, {"OUTCOME"}});
    for (const Json& entry : items(answer, "entries")) {
        const std::string outcome = text(entry, "outcome");
        const std::string acts_for = text(entry, "for");
        std::vector<Cell> details;
        if (const std::string asked = in_words(field(entry, "request")); !asked.empty() && asked != "null") {
            details.push_back({asked});
        }
        if (const std::string why = text(entry, "why"); !why.empty()) {
            details.push_back({"why: " + why});
        }
        table.add({{std::to_string(number(entry, "id"))},
                   {text(entry, "time")},
                   {print_since(entry, "time", now)},
                   {acts_for.empty() ? text(entry, "who") : fmt::format("{} for {}", text(entry, "who"), acts_for)},
                   {text(entry, "from")},
                   {text(entry, "what")},
                   {outcome, tone_of(outcome)}},
                  std::move(details));
    }
    return table.empty() ? "nothing has been changed yet\n" : table.render(style);
}

class AuditCommand : public Query {
public:
    using Query::Query;

    void declare(CLI::App& app, Common& /*common*/) override {
        add_number(app, "--last", last_, 1, 10'000, "How many entries, the newest first (20)");
        app.footer(
            "Example: gatehouse audit --last 100\n"
            "An entry is on the disk before its change begins. Entries are kept for 90 days,\n"
            "the newest 10000 for longer.");
    }
    [[nodiscard]] Request request() const override { return get_request("/v1/audit?last=" + std::to_string(last_)); }
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override {
        return show_audit(body, screen.now, screen.style);
    }

private:
    std::int64_t last_ = 20;
};

}  // namespace

extern const Maker make_audit = make<AuditCommand>;

}  // namespace appliance::cli

// `gatehouse weight`: the share of a pool's traffic that servers get.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "appliance/cli/client/arguments.hpp"
#include "appliance/cli/client/change.hpp"
#include "appliance/cli/terminal/table.hpp"
#include "appliance/config/model/config.hpp"

namespace appliance::cli {
namespace {

// What the pool's servers weighed: nothing where it is not known.
std::vector<std::pair<std::string, std::int64_t>> weights_in(const Json& status, const std::string& pool) {
    std::vector<std::pair<std::string, std::int64_t>> weights;
    for (const Json& one : items(status, "pools")) {
        for (const Json& backend : items(one, "backends")) {
            if (text(one, "name") == pool && field(backend, "weight").is_number()) {
                weights.emplace_back(text(backend, "server"), number(backend, "weight"));
            }
        }
    }
    return weights;
}

// "; it was 1 before: nothing changes. Beside it: web1 1, web2 1"; empty where something changes.
std::string print_unchanged(const Json& weight, const Json& before) {
    if (field(weight, "by_hand") != true) {
        return {};  // back to the configuration's
    }
    std::vector<std::string> others;
    bool same = false;
    for (const auto& [server, weighed] : weights_in(before, text(weight, "pool"))) {
        if (server == text(weight, "server")) {
            same = weighed == number(weight, "weight");
        } else {
            others.push_back(fmt::format("{} {}", server, weighed));
        }
    }
    if (!same) {
        return {};
    }
    return fmt::format("; that is what it was, so nothing changes{}",
                       others.empty() ? "" : fmt::format(". Beside it: {}", fmt::join(others, ", ")));
}

std::string show_weights(const Json& answer, const Json& before, const Style& style) {
    std::string out;
    for (const Json& weight : items(answer, "weights")) {
        out += paragraph(fmt::format("{} in {}: weight {}, {}{}", text(weight, "server"), text(weight, "pool"),
                                     number(weight, "weight"),
                                     field(weight, "by_hand") == true ? "until it is reset" : "as configured",
                                     print_unchanged(weight, before)),
                         style);
    }
    return out;
}

class WeightCommand : public Change {
public:
    using Change::Change;

    void declare(CLI::App& app, Common& common) override {
        add_servers(app, common, "The servers to weigh");
        auto* set = app.add_option("--set", weight_, "Set the weight, 1 to 256");
        set->type_name("NUMBER")->check(CLI::Range(1U, static_cast<unsigned>(config::Bounds::weight)).description(""));
        app.add_flag("--reset", reset_, "Restore the configured weight")->excludes(set);
        add_why(app, common);
        app.footer(
            "Example: gatehouse weight web1 web2 --set 4 --why 'web3 is new'\n"
            "A server's share is its weight in the sum of the pool's weights; the default is\n"
            "1. A weight that was set holds over restarts and reloads until --reset. Open\n"
            "connections stay where they are. To send a server no traffic, fence it.");
    }
    void check() const override {
        if (!weight_ && !reset_) {
            throw CLI::RequiredError("--set or --reset");
        }
    }
    [[nodiscard]] Request request() const override {
        Json body = body_of_servers(common());
        if (weight_) {
            body["weight"] = *weight_;
        } else {
            body["reset"] = true;
        }
        return change_request("/v1/weight", std::move(body), common());
    }
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override {
        return show_weights(body, before_, screen.style);
    }
    [[nodiscard]] bool looks_before() const override { return true; }
    // Whether anything has changed shows only beside what it was.
    Warning consider(const Json& status) override {
        before_ = status;
        return {};
    }

private:
    std::optional<unsigned> weight_;
    bool reset_ = false;
    Json before_;
};

}  // namespace

extern const Maker make_weight = make<WeightCommand>;

}  // namespace appliance::cli

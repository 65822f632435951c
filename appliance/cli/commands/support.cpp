// `gatehouse support`: writes the daemon's support bundle to a file of this user's.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "appliance/base/bounded_json.hpp"
#include "appliance/cli/client/command.hpp"
#include "appliance/cli/client/exit_code.hpp"
#include "appliance/cli/terminal/new_file.hpp"

namespace appliance::cli {
namespace {

// gatehouse-support-20261122T140305Z.json: names sort by time, and every file system allows their characters.
std::string name_for(core::WallTime now) {
    std::string time = core::base::print_time(now);
    std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
    return fmt::format("gatehouse-support-{}.json", time);
}

class SupportCommand : public Query {
public:
    using Query::Query;

    void declare(CLI::App& app, Common& /*common*/) override {
        app.add_option("--output", output_, "The file (gatehouse-support-TIME.json)")->type_name("FILE");
        app.footer(
            "Example: gatehouse support --output gate.json\n"
            "Secrets of the configuration are redacted; look through the file all the same.\n"
            "With --json the bundle is printed, and no file is written.");
    }
    [[nodiscard]] Request request() const override { return get_request("/v1/support"); }
    int run(const Finish& finish) override {
        const auto answer = send(request(), client_for(common()));
        return finish(answer ? write(*answer) : outcome_of(answer.error()));
    }

private:
    // Code 1 where the file cannot be written; one that exists is left alone.
    [[nodiscard]] Outcome write(const api::Answer& answer) const {
        const auto document = base::parse_json<nlohmann::ordered_json>(answer.body, base::wide_bounds);
        if (answer.status != 200 || common().json || !document.is_object()) {
            return outcome(answer, screen_now());
        }
        const std::string text = document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
        const std::string file = output_.empty() ? name_for(core::base::wall_now()) : output_;
        if (const auto written = write_new_file(file, text, "name another file with --output"); !written) {
            return outcome_of_failure(written.error());
        }
        return {
            done,
            fmt::format("{}\nSecrets are blotted out by their names; look through it before it leaves.\n", clean(file)),
            {}};
    }

    std::string output_;
};

}  // namespace

extern const Maker make_support = make<SupportCommand>;

}  // namespace appliance::cli

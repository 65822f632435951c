// `gatehouse check`: the file's problems on standard error, or one line that sums up what is in it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "appliance/cli/check/resolved_now.hpp"
#include "appliance/cli/check/source_ports.hpp"
#include "appliance/cli/check/try_as_user.hpp"
#include "appliance/cli/client/command.hpp"
#include "appliance/cli/client/exit_code.hpp"
#include "appliance/config/file/load.hpp"

namespace appliance::cli {
namespace {

using nlohmann::json;

template <typename Item>
std::string count(const std::vector<Item>& items, const std::string& noun) {
    return print_number(static_cast<std::int64_t>(items.size()), noun);
}

Outcome bad(const config::Problems& problems, bool as_json) {
    Outcome outcome{wrong_usage, {}, {}};
    json list = json::array();
    for (const config::Problem& problem : problems) {
        outcome.err += clean(problem.text()) + "\n";
        list.push_back({{"file", problem.file},
                        {"line", problem.line},
                        {"column", problem.column},
                        {"what", problem.what},
                        {"mend", problem.mend}});
    }
    if (as_json) {
        outcome.out = dump({{"valid", false}, {"problems", std::move(list)}});
    }
    return outcome;
}

Outcome check_file(const std::string& file, bool as_json) {
    const auto config = config::load(file);
    if (!config) {
        return bad(config.error(), as_json);
    }
    const Trying as_user = try_as_user(*config);
    if (!as_user.problems.empty()) {
        return bad(as_user.problems, as_json);
    }
    if (const config::Problems absent = absent_sources(*config); !absent.empty()) {
        return bad(absent, as_json);
    }
    SourcePorts ports = source_ports(*config);
    std::vector<config::Backend> backends;
    json warned = json::array();
    for (const config::Pool& pool : config->pools) {
        backends.insert(backends.end(), pool.backends.begin(), pool.backends.end());
    }
    if (!as_user.warning.empty()) {
        warned.push_back(as_user.warning);
    }
    ResolvedNow names = resolve_now(*config);
    for (std::string& warning : names.warnings) {
        warned.push_back(std::move(warning));
    }
    std::string warnings;
    for (const json& warning : warned) {
        warnings += "warning: " + clean(warning.get<std::string>()) + "\n";
    }
    if (as_json) {
        return {done,
                dump({{"valid", true},
                      {"problems", json::array()},
                      {"warnings", std::move(warned)},
                      {"names", std::move(names.json)},
                      {"ports", std::move(ports.json)}}),
                warnings};
    }
    return {done,
            fmt::format("{}: valid: {}, {}, {}, {}\n", file, count(config->listeners, "listener"),
                        count(config->servers, "server"), count(config->pools, "pool"), count(backends, "backend")) +
                names.text + ports.text,
            warnings};
}

class CheckCommand : public Command {
public:
    using Command::Command;

    void declare(CLI::App& app, Common& /*common*/) override {
        app.add_option("-c,--config", config_, "The configuration")->type_name("FILE")->required();
        app.footer("Example: gatehouse check -c gatehouse.toml && gatehouse reload");
    }
    int run(const Finish& finish) override { return finish(check_file(config_, common().json)); }
    [[nodiscard]] bool is_local() const override { return true; }

private:
    std::string config_;
};

}  // namespace

extern const Maker make_check = make<CheckCommand>;

}  // namespace appliance::cli

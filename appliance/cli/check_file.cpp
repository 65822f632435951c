#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "appliance/cli/exit_code.hpp"
#include "appliance/cli/outcome.hpp"
#include "appliance/cli/resolved_now.hpp"
#include "appliance/cli/source_ports.hpp"
#include "appliance/cli/try_as_user.hpp"
#include "appliance/cli/view.hpp"
#include "appliance/config/load.hpp"

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

}  // namespace

Outcome check_file(const Options& options) {
    const auto config = config::load(options.config);
    if (!config) {
        return bad(config.error(), options.json);
    }
    const Trying as_user = try_as_user(*config);
    if (!as_user.problems.empty()) {
        return bad(as_user.problems, options.json);
    }
    if (const config::Problems absent = absent_sources(*config); !absent.empty()) {
        return bad(absent, options.json);
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
    if (options.json) {
        return {done,
                dump({{"valid", true},
                      {"problems", json::array()},
                      {"warnings", std::move(warned)},
                      {"names", std::move(names.json)},
                      {"ports", std::move(ports.json)}}),
                warnings};
    }
    return {done,
            fmt::format("{}: valid: {}, {}, {}, {}\n", options.config, count(config->listeners, "listener"),
                        count(config->servers, "server"), count(config->pools, "pool"), count(backends, "backend")) +
                names.text + ports.text,
            warnings};
}

}  // namespace appliance::cli

#include "appliance/cli/support.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "appliance/base/bounded_json.hpp"
#include "appliance/cli/exit_code.hpp"
#include "appliance/cli/new_file.hpp"
#include "appliance/cli/request.hpp"

namespace appliance::cli {
namespace {

// gatehouse-support-20261122T140305Z.json: names sort by time, and hold nothing that a file system minds.
std::string name_for(core::WallTime now) {
    std::string time = core::base::print_time(now);
    std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
    return fmt::format("gatehouse-support-{}.json", time);
}

}  // namespace

Outcome support(const Options& options) {
    const auto answer = send(request_for(options, {}), options);
    if (!answer) {
        return outcome_of(answer.error());
    }
    const auto document = base::parse_json<nlohmann::ordered_json>(answer->body, base::wide_bounds);
    if (answer->status != 200 || options.json || !document.is_object()) {
        Options plain = options;
        plain.json = true;
        return outcome_of(*answer, plain, core::base::wall_now(), terminal_style());
    }
    const std::string text = document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
    const std::string file = options.output.empty() ? name_for(core::base::wall_now()) : options.output;
    if (const auto written = write_new_file(file, text, "name another file with --output"); !written) {
        return {failed, {}, fmt::format("gatehouse: {}\n", clean(written.error().line()))};
    }
    return {done,
            fmt::format("{}\nSecrets are blotted out by their names; look through it before it leaves.\n", clean(file)),
            {}};
}

}  // namespace appliance::cli

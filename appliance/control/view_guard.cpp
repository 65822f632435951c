#include "appliance/control/view_guard.hpp"

#include "appliance/guard/guard.hpp"

namespace appliance::control {

using Json = nlohmann::ordered_json;

Json view_guards(const config::Config& config, core::WallTime at, core::Milliseconds length) {
    const auto opinions = guard::ask(config.guards, at, length);
    const bool allowed = guard::agree(opinions);
    const auto next = guard::next_free(config.guards, at, length);
    const auto time = [](const std::optional<core::WallTime>& point) {
        return point ? Json(core::base::print_time(*point)) : Json();
    };
    Json list = Json::array();
    for (const guard::Opinion& opinion : opinions) {
        list.push_back({{"name", opinion.guard},
                        {"kind", config::print(opinion.kind)},
                        {"verdict", guard::print(opinion.verdict)},
                        {"why", opinion.why},
                        {"until", time(opinion.until)}});
    }
    return {{"allowed", allowed},
            {"at", core::base::print_time(at)},
            {"for_ms", length.count()},
            {"guards", std::move(list)},
            {"next_free", time(next)}};
}

}  // namespace appliance::control

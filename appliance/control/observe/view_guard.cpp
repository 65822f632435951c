#include "appliance/control/observe/view_guard.hpp"

#include "appliance/guard/guard.hpp"

namespace appliance::control {

using Json = nlohmann::ordered_json;

Json view_guards(const config::Config& config, core::WallTime at, core::Milliseconds length) {
    auto [opinions, next] = guard::look(config.guards, at, length);
    const bool allowed = guard::agree(opinions);
    // Windows and schedules leave this moment free; other guards hold it, and the end of that is not known.
    if (!allowed && next == at) {
        next.reset();
    }
    const auto local = [&config](core::WallTime point) { return guard::print_local(config.guards, point); };
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
            {"at_local", local(at)},
            {"for_ms", length.count()},
            {"guards", std::move(list)},
            {"next_free", time(next)},
            {"next_free_local", next ? Json(local(*next)) : Json()}};
}

}  // namespace appliance::control

#include "appliance/deploy/views.hpp"

#include "appliance/deploy/recipe_json.hpp"

namespace appliance::deploy {
namespace {

using Json = nlohmann::ordered_json;

Json maybe(const std::optional<core::WallTime>& time) {
    return time ? Json(core::base::print_time(*time)) : Json();
}

Json view_step(const Step& step) {
    Json view{{"id", step.id},
              {"kind", print(step.kind)},
              {"batch", step.batch},
              {"servers", step.servers},
              {"progress", print(step.progress)},
              {"evidence", step.evidence},
              {"began", maybe(step.began)},
              {"ended", maybe(step.ended)},
              {"took_ms", step.began && step.ended ? Json((*step.ended - *step.began).count()) : Json()}};
    return view;
}

}  // namespace

Json view_summary(const Rollout& rollout) {
    return {{"id", rollout.id},
            {"strategy", print(rollout.strategy)},
            {"recipe", rollout.recipe.name},
            {"pool", rollout.recipe.pool},
            {"state", print(rollout.state)},
            {"state_why", rollout.state_why},
            {"who", rollout.who},
            {"why", rollout.why},
            {"overridden", rollout.overridden},
            {"created", core::base::print_time(rollout.created)},
            {"starts", maybe(rollout.starts)},
            {"expires", maybe(rollout.expires)},
            {"ended", maybe(rollout.ended)},
            {"took_ms", ((rollout.ended ? *rollout.ended : core::base::wall_now()) - rollout.created).count()},
            {"undoes", rollout.undoes}};
}

Json view_rollout(const Rollout& rollout) {
    Json view = view_summary(rollout);
    view["settings"] = to_json(rollout.recipe);
    view["failed"] = failed_servers(rollout);
    view["held"] = held_servers(rollout);
    view["steps"] = Json::array();
    for (const Step& step : rollout.steps) {
        view["steps"].push_back(view_step(step));
    }
    return view;
}

Json view_entry(const Entry& entry) {
    return {{"number", entry.number},
            {"time", core::base::print_time(entry.time)},
            {"kind", entry.kind},
            {"step", entry.step ? Json(*entry.step) : Json()},
            {"text", entry.text}};
}

}  // namespace appliance::deploy

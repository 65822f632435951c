// The routes of versions: the appliance's own, with its slots, and the upgrade of the program in place.
#include "appliance/control/routes/read_order.hpp"
#include "appliance/control/routes/replies.hpp"
#include "appliance/control/routes/routes.hpp"
#include "appliance/control/routes/updates.hpp"

namespace appliance::control {
namespace {

using Json = nlohmann::ordered_json;

Updates updates(const Call& call) {
    return Updates(call.services.control.config()->control.state);
}

// A change says why, as all do.
template <typename Order>
api::Reply change(const Call& call, Order order) {
    if (const auto words = read_words(call.body, call.request.peer); !words) {
        return reply(words.error());
    }
    const Outcome<Json> asked = order(updates(call));
    return asked ? reply(202, *asked) : reply(asked.error());
}

api::Reply read_update(const Call& call) {
    return reply(updates(call).status());
}

// 202: the request is left, and GET /v1/update tells what becomes of it.
api::Reply install_update(const Call& call) {
    const auto source = call.body.find("source");
    const auto reboot = call.body.find("reboot");
    if (source == call.body.end() || !source->is_string() || (reboot != call.body.end() && !reboot->is_boolean())) {
        return complain(400, "'source' is a text and 'reboot' true or false", "see docs/openapi.json");
    }
    return change(call, [&](const Updates& it) {
        return it.install(source->get<std::string>(), reboot != call.body.end() && reboot->get<bool>());
    });
}

api::Reply roll_update_back(const Call& call) {
    return change(call, [](const Updates& it) { return it.roll_back(); });
}

api::Reply reboot_machine(const Call& call) {
    return change(call, [](const Updates& it) { return it.reboot(); });
}

api::Reply change_upgrade(const Call& call) {
    const auto words = read_words(call.body, call.request.peer);
    if (!words) {
        return reply(words.error());
    }
    Control& control = call.services.control;
    const auto checked = control.check_upgrade(words->who, words->why);
    api::Reply answer = checked ? reply(202, *checked) : reply(checked.error());
    if (checked) {
        answer.then = [&control] { control.upgrade(); };
    }
    return answer;
}

}  // namespace

std::span<const Route> update_routes() noexcept {
    static constexpr Route rows[] = {
        {"GET", "/v1/update", look, read_update},
        {"POST", "/v1/update/install", admin, install_update, "update install"},
        {"POST", "/v1/update/rollback", admin, roll_update_back, "update rollback"},
        {"POST", "/v1/update/reboot", admin, reboot_machine, "update reboot"},
        {"POST", "/v1/upgrade", admin, change_upgrade, "upgrade"},
    };
    return rows;
}

}  // namespace appliance::control

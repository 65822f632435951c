#include "appliance/control/routes/routes_update.hpp"

#include "appliance/control/routes/read_order.hpp"
#include "appliance/control/routes/replies.hpp"
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

}  // namespace

api::Reply read_update(const Call& call) {
    return reply(updates(call).status());
}

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

}  // namespace appliance::control

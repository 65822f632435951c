#include "appliance/control/routes_update.hpp"

#include "appliance/control/read_order.hpp"
#include "appliance/control/updates.hpp"

namespace appliance::control {
namespace {

using Json = nlohmann::ordered_json;

api::Reply reply(int status, const Outcome<Json>& outcome) {
    Json body;
    if (outcome) {
        body = *outcome;
    } else {
        const core::Error& error = outcome.error().error;
        body = {{"error", {{"what", error.what}, {"why", error.why}, {"mend", error.mend}}}};
        status = outcome.error().status;
    }
    return {status, "application/json", body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"};
}

Updates updates(const Call& call) {
    return Updates(call.services.control.config()->control.state);
}

// A change says why, as all do.
template <typename Order>
api::Reply change(const Call& call, Order order) {
    const auto words = read_words(call.body, call.request.peer);
    return words ? reply(202, order(updates(call))) : reply(400, tl::unexpected(words.error()));
}

}  // namespace

api::Reply read_update(const Call& call) {
    return reply(200, updates(call).status());
}

api::Reply install_update(const Call& call) {
    const auto source = call.body.find("source");
    const auto reboot = call.body.find("reboot");
    if (source == call.body.end() || !source->is_string() || (reboot != call.body.end() && !reboot->is_boolean())) {
        return reply(400,
                     refuse(400, {"'source' is a text and 'reboot' true or false", "", "see docs/openapi.json", 0}));
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

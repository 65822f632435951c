// The routes of what operators order of servers and pools: fences, the maintenance page, weights.
#include <nlohmann/json.hpp>

#include "appliance/control/routes/read_order.hpp"
#include "appliance/control/routes/replies.hpp"
#include "appliance/control/routes/routes.hpp"

namespace appliance::control {
namespace {

api::Reply change_fence(const Call& call) {
    const auto order = read_fence(call.body, call.request.peer);
    return order ? reply(call.services.control.fence(*order)) : reply(order.error());
}

api::Reply change_unfence(const Call& call) {
    const auto order = read_unfence(call.body, call.request.peer);
    return order ? reply(call.services.control.unfence(*order)) : reply(order.error());
}

api::Reply read_maintenance_page(const Call& call) {
    return reply(200, call.services.control.maintenance());
}

api::Reply change_maintenance(const Call& call) {
    const auto order = read_maintenance(call.body, call.request.peer);
    return order ? reply(call.services.control.set_maintenance(*order)) : reply(order.error());
}

api::Reply change_weight(const Call& call) {
    const auto order = read_weight(call.body, call.request.peer);
    return order ? reply(call.services.control.set_weight(*order)) : reply(order.error());
}

}  // namespace

std::span<const Route> fence_routes() noexcept {
    static constexpr Route rows[] = {
        {"POST", "/v1/fence", operate, change_fence, "fence", Route::Body::json, true},
        {"POST", "/v1/unfence", operate, change_unfence, "unfence"},
        {"GET", "/v1/maintenance", look, read_maintenance_page},
        {"POST", "/v1/maintenance", operate, change_maintenance, "maintenance", Route::Body::json, true},
        {"POST", "/v1/weight", operate, change_weight, "weight"},
    };
    return rows;
}

}  // namespace appliance::control

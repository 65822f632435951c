#include "appliance/cli/deploy/order.hpp"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/base/bounded_json.hpp"
#include "appliance/cli/client/exit_code.hpp"
#include "appliance/cli/deploy/remembered.hpp"
#include "appliance/cli/deploy/rollout_view.hpp"
#include "appliance/cli/deploy/runner.hpp"
#include "appliance/cli/views/standing.hpp"

namespace appliance::cli {
namespace {

// An order may wait for guards, an abort for the steps under way.
constexpr std::chrono::minutes order_patience{3};

}  // namespace

Request Order::request_of(const Json& body) const {
    Request request = change_request(path(), body, common());
    request.timeout = order_patience;
    return request;
}

Request Order::request() const {
    return request_of(order().value_or(Json::object()));
}

std::string Order::stands(const api::Client& client) const {
    const auto answer = client.get("/v1/deploy", look_patience);
    const bool none = answer && answer->status == 404;
    if (!answer || (answer->status != 200 && !none)) {
        return not_known;
    }
    return (none ? "no rollout has begun. See gatehouse deploy status"
                 : rollout_stands(base::parse_json<Json>(answer->body, base::wide_bounds))) +
           std::string(begins() && !plans() ? "; this one may begin yet, when the guards have been asked" : "");
}

std::string Order::show(const Json& body, const Screen& screen) const {
    return plans() ? show_plan(body, screen.style) : show_end(body, screen.style);
}

int Order::run(const Finish& finish) {
    const api::Client client = client_for(common());
    auto wanted = order();
    if (!wanted) {
        return finish({wrong_usage, {}, complaint(wanted.error().line())});
    }
    const auto source = commands();
    Consent consent;
    if (source) {
        auto given = consent_to(*source, common(), client, *wanted);
        if (!given) {
            return finish(given.error());
        }
        consent = std::move(*given);
        if (!consent.digest.empty()) {
            (*wanted)["commands_digest"] = consent.digest;
        }
    }
    Outcome left;
    const auto answered = send_order(client, *wanted, left);
    if (!answered) {
        return finish(left);
    }
    if (!*answered) {
        return finish(outcome_of(answered->error()));
    }
    const auto body = body_of(**answered);
    if (!body || !source) {
        return finish(body ? Outcome{done, common().json ? dump(*body) : show(*body, screen_now()), {}} : body.error());
    }
    return follow(client, number(*body, "id"), std::move(consent.permit), finish);
}

std::optional<core::Result<api::Answer>> Order::send_order(const api::Client& client, const Json& body,
                                                           Outcome& left) const {
    Interrupts interrupts;  // until here; later ones are the runner's
    return send_and_tell(request_of(body), client, witness(), interrupts, left);
}

int Order::follow(const api::Client& client, std::int64_t rollout, Permit permit, const Finish& finish) const {
    // Where this fails, the next consent says why it is needed.
    if (!permit.empty()) {
        static_cast<void>(remember(memory_file(), {daemon_name(common()), rollout, permit}));
    }
    Runner runner(client, rollout, common().claimed_by, std::move(permit), common().json);
    const int code = runner.run();
    const Json& shown = runner.rollout();
    return finish({code, common().json ? dump(shown) : show_end(shown, terminal_style()), {}});
}

}  // namespace appliance::cli

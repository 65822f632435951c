#include "appliance/cli/client/command.hpp"

#include <nlohmann/json.hpp>

#include "appliance/cli/client/exit_code.hpp"

namespace appliance::cli {

std::string Query::show(const Json& body, const Screen& /*screen*/) const {
    return dump(body);
}

Outcome Query::present(const Json& body, const Screen& screen) const {
    return {done, common().json ? dump(body) : show(body, screen), remarks_of(body)};
}

Outcome Query::outcome(const api::Answer& answer, const Screen& screen) const {
    const auto body = body_of(answer);
    return body ? present(*body, screen) : body.error();
}

int Query::run(const Finish& finish) {
    const auto answer = send(request(), client_for(common()));
    return finish(answer ? outcome(*answer, screen_now()) : outcome_of(answer.error()));
}

Screen screen_now() {
    return {core::base::wall_now(), terminal_style()};
}

}  // namespace appliance::cli

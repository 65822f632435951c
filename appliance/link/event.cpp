#include "appliance/link/event.hpp"

#include <nlohmann/json.hpp>

#include "core/base/duration.hpp"

namespace appliance::link {

std::string event_line(std::string_view kind, const nlohmann::ordered_json& fields) {
    nlohmann::ordered_json line;
    line["time"] = core::base::print_time(core::base::wall_now());
    line["event"] = kind;
    line.update(fields);
    return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace appliance::link

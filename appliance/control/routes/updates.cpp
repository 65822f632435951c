#include "appliance/control/routes/updates.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <string_view>

#include "appliance/base/bounded_json.hpp"
#include "core/base/descriptor.hpp"

namespace appliance::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* request_name = "update-request.json";

// A slow server of updates must not delay a roll-back or a reboot: gatehouse-update gives the fetching up for them.
// While the other slot is written there is nothing to go back to. pending: what is asked for and not taken yet.
bool may_follow(std::string_view action, std::string_view state, std::string_view pending) {
    const bool install = action == "install";
    if (state == "asked") {
        return !install && pending == "install";
    }
    if (state == "fetching") {
        return !install;
    }
    if (state == "installing") {
        return action == "reboot";
    }
    return state != "rebooting";
}

}  // namespace

Outcome<Json> Updates::status() const {
    std::error_code none;
    if (!std::filesystem::is_directory(run_, none)) {
        return refuse(501, {"this daemon does not run in Gatehouse's image", "there are no slots to update",
                            "update the package, then gatehouse upgrade", 0});
    }
    std::ifstream in(run_ / "status.json", std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    Json status = base::parse_json<Json>(text, base::wide_bounds);
    if (!status.is_object()) {
        return refuse(503, {"gatehouse-update has not said yet how it stands", "the machine has just started",
                            "ask again in a moment", 0});
    }
    if (std::filesystem::exists(state_ / request_name, none)) {
        status["state"] = "asked";
    }
    return status;
}

std::string Updates::pending() const {
    std::ifstream in(state_ / request_name, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const Json request = base::parse_json<Json>(text, base::wide_bounds);
    const Json action = request.is_object() ? request.value("action", Json()) : Json();
    return action.is_string() ? action.get<std::string>() : std::string();
}

Outcome<Json> Updates::install(const std::string& source, bool reboot) const {
    const bool printable = std::all_of(source.begin(), source.end(), [](char c) { return c > ' ' && c < '\x7f'; });
    if (!printable || source.size() > source_max ||
        (!source.starts_with("https://") && !source.starts_with("http://"))) {
        return refuse(400, {"'source' is no place of updates", "",
                            "name a folder, as https://updates.example.org/gatehouse/", 0});
    }
    return leave({{"action", "install"}, {"source", source}, {"reboot", reboot}});
}

Outcome<Json> Updates::roll_back() const {
    return leave({{"action", "rollback"}});
}

Outcome<Json> Updates::reboot() const {
    return leave({{"action", "reboot"}});
}

// Whole or not at all, because it is read as soon as it is there.
Outcome<Json> Updates::leave(const nlohmann::json& request) const {
    auto now = status();
    if (!now) {
        return now;
    }
    const std::string state = now->value("state", "");
    if (!may_follow(request.value("action", ""), state, pending())) {
        return refuse(409, {"another update is under way", state, "see gatehouse update status", 0});
    }
    const std::filesystem::path path = state_ / request_name;
    const std::string half = path.string() + ".new";
    const std::string text = request.dump();
    const core::base::Descriptor file(
        ::open(half.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640));
    if (!file.valid() || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::rename(half.c_str(), path.c_str()) != 0) {
        return refuse(core::fail_os("cannot leave the request in " + state_.string(), errno).value());
    }
    return Json{{"asked", request["action"]}};
}

}  // namespace appliance::control

#include "images/console/screen.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/base/bounded_json.hpp"

namespace images::console {
namespace {

using nlohmann::json;

constexpr std::size_t columns = 80;
constexpr std::size_t pools_max = 12;  // lines that a console has room for
constexpr std::size_t word_max = 16;

std::string line(std::string text) {
    for (char& c : text) {
        c = c < ' ' || c > '~' ? '?' : c;
    }
    if (text.size() > columns) {
        text.resize(columns - 3);
        text += "...";
    }
    return text + "\r\n";
}

std::string words(const json& object, const char* key) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const json& list(const json& object, const char* key) {
    static const json none = json::array();
    const auto found = object.is_object() ? object.find(key) : object.end();
    return found != object.end() && found->is_array() ? *found : none;
}

std::string pool_line(const json& pool) {
    std::size_t up = 0;
    std::size_t fenced = 0;
    for (const json& backend : list(pool, "backends")) {
        const std::string state = words(backend, "state");
        up += state == "up" ? 1 : 0;
        fenced += state == "fenced" ? 1 : 0;
    }
    const std::size_t all = list(pool, "backends").size();
    return fmt::format("  {}: {} of {} servers up{}{}", words(pool, "name"), up, all,
                       fenced == 0 ? "" : fmt::format(", {} fenced", fenced), up == 0 ? "; visitors get the page" : "");
}

std::string draw_state(const std::optional<std::string>& text) {
    if (!text) {
        return line("  Gatehouse does not answer (yet)");
    }
    const json state = appliance::base::parse_json(*text, appliance::base::wide_bounds);
    std::string out;
    const json& pools = list(state, "pools");
    for (std::size_t at = 0; at < pools.size() && at < pools_max; ++at) {
        out += line(pool_line(pools[at]));
    }
    return pools.size() > pools_max ? out + line(fmt::format("  and {} pools more", pools.size() - pools_max)) : out;
}

}  // namespace

std::string draw(const Facts& facts) {
    std::string out = line(std::string(columns, '-'));
    out += line(fmt::format("Gatehouse, version {}, on {}", facts.version, facts.name));
    out += line(facts.addresses.empty() ? "  no address yet" : fmt::format("  {}", fmt::join(facts.addresses, "  ")));
    if (!facts.fingerprint.empty()) {
        out += line("  the API's certificate, SHA-256:");
        out += line("  " + facts.fingerprint);
    }
    out += draw_state(facts.state);
    return out + line("Type reboot to start anew, forget to take everything off the data partition.");
}

Wish Keyboard::press(char key, std::string& answer) {
    if (key != '\r' && key != '\n') {
        if (key == '\x7f' || key == '\b') {
            word_.resize(word_.empty() ? 0 : word_.size() - 1);
        } else if (key >= 'a' && key <= 'z' && word_.size() <= word_max) {
            word_ += key;
        }
        return Wish::none;
    }
    const std::string word = std::exchange(word_, {});
    const bool sure = std::exchange(sure_, false);
    if (word == "reboot") {
        answer = line("rebooting");
        return Wish::reboot;
    }
    if (word == "forget" && sure) {
        answer = line("rebooting; everything on the data partition goes");
        return Wish::forget;
    }
    if (word == "forget") {
        sure_ = true;
        answer = line("Configuration, state and fences go. If that is meant, type forget again.");
    }
    return Wish::none;
}

}  // namespace images::console

// [firewall]: which sources may reach the appliance itself.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "appliance/config/file/reader.hpp"

namespace appliance::config {
namespace {

using namespace std::chrono_literals;

struct Unit {
    std::string_view name;
    unsigned seconds;
};
constexpr std::array<Unit, 3> units{{{"s", 1}, {"m", 60}, {"h", 3600}}};

// "100/s"; nothing for anything else.
std::optional<Firewall::Rate> parse_rate(std::string_view text) {
    Firewall::Rate rate;
    const auto slash = std::min(text.find('/'), text.size());
    const auto* end = text.data() + slash;
    const auto [at, error] = std::from_chars(text.data(), end, rate.count);
    const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& each) {
        return slash < text.size() && each.name == text.substr(slash + 1);
    });
    if (error != std::errc() || at != end || unit == units.end() || rate.count == 0 ||
        rate.count > Bounds::new_per_source) {
        return std::nullopt;
    }
    rate.unit = unit->seconds;
    return rate;
}

}  // namespace

// After the listeners: it must not give their ports to the management networks alone.
void Reader::read_firewall() {
    Section section = this->section("firewall");
    auto& firewall = config_.firewall;
    firewall.enabled = section.flag("enabled", false);
    section.networks("management", firewall.management);
    read_management_ports(section, firewall);
    firewall.connections_per_source =
        static_cast<unsigned>(section.number("connections_per_source", 0, 0, Bounds::connections_per_source));
    read_rate(section, firewall);
    firewall.confirm = section.duration("confirm", firewall.confirm, 10s, 1h);
    if (firewall.enabled && section.find("management") == nullptr) {
        section.miss("'management', so nobody could reach the management ports",
                     "management = [\"10.0.0.0/8\"], or management = [] when nobody shall");
    }
    section.close();
}

void Reader::read_management_ports(Section& section, Firewall& firewall) {
    const Entry* entry = section.find("management_ports");
    if (entry != nullptr) {
        const Node& list = entry->value;
        const bool numbers = list.kind == Kind::list && list.list.size() <= Bounds::management &&
                             std::all_of(list.list.begin(), list.list.end(), [](const Node& node) {
                                 return node.kind == Kind::number && node.number >= 1 && node.number <= 65535;
                             });
        if (!numbers) {
            section.complain("management_ports", "it is not a list of ports",
                             fmt::format("write at most {} numbers from 1 to 65535, such as [22]", Bounds::management));
            return;
        }
        firewall.management_ports.clear();
        for (const Node& node : list.list) {
            firewall.management_ports.push_back(static_cast<std::uint16_t>(node.number));
        }
        auto& ports = firewall.management_ports;
        std::sort(ports.begin(), ports.end());
        ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
    }
    for (const Listener& listener : config_.listeners) {
        const auto port = listener.address.port();
        if (firewall.enabled &&
            std::binary_search(firewall.management_ports.begin(), firewall.management_ports.end(), port)) {
            section.complain(
                "management_ports",
                fmt::format("port {} is that of [listen.{}], which everybody reaches", port, listener.name),
                "leave it out, or move the listener");
        }
    }
}

void Reader::read_rate(Section& section, Firewall& firewall) {
    const auto text = section.text("new_per_source", {});
    if (text.empty()) {
        return;
    }
    if (const auto rate = parse_rate(text)) {
        firewall.new_per_source = *rate;
        return;
    }
    section.complain(
        "new_per_source", fmt::format("'{}' is not a rate", text),
        fmt::format("write a number from 1 to {} and a unit, as 100/s, 600/m or 5000/h", Bounds::new_per_source));
}

}  // namespace appliance::config

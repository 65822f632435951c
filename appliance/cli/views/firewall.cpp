#include "appliance/cli/views/firewall.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "appliance/cli/terminal/table.hpp"

namespace appliance::cli {
namespace {

std::string print_list(const Json& list) {
    std::string out;
    for (const Json& each : list) {
        out += out.empty() ? "" : ", ";
        out += each.is_string() ? each.get<std::string>() : each.dump();
    }
    return out.empty() ? "none" : out;
}

std::string print_limits(const Json& firewall) {
    const auto connections = number(firewall, "connections_per_source");
    const auto rate = text(firewall, "new_per_source");
    if (connections == 0 && rate.empty()) {
        return "no limits per source";
    }
    std::string out = "per source: ";
    out += connections == 0 ? "" : print_number(connections, "connection") + " at once";
    out += connections != 0 && !rate.empty() ? ", " : "";
    return out + (rate.empty() ? "" : rate + " new");
}

}  // namespace

std::string show_firewall(const Json& firewall, core::WallTime now, const Style& style) {
    const auto state = text(firewall, "state", "?");
    const bool enabled = field(firewall, "enabled") == true;
    std::string out = paragraph(fmt::format("firewall: {}{}", state, enabled || state == "off" ? "" : ", and off"),
                                style, 0, state == "on" || state == "off" ? Tone::plain : Tone::caution);
    if (state == "on trial") {
        out += paragraph(fmt::format("by {}{}; the old one comes back in {} unless you run, from a new session: "
                                     "gatehouse firewall confirm",
                                     text(firewall, "who", "?"),
                                     text(firewall, "why").empty() ? "" : " (" + text(firewall, "why") + ")",
                                     print_until(firewall, "until", now)),
                         style, 2);
    } else if (state == "gone back") {
        out += paragraph("the file says something else, which nobody confirmed; gatehouse reload tries it again", style,
                         2);
    }
    if (!enabled) {
        return out;
    }
    if (field(firewall, "in_kernel") == false) {
        out += paragraph("NOT in the kernel", style, 2, Tone::bad);
    }
    out += paragraph("open to all: tcp " + print_list(items(firewall, "ports")), style, 2);
    out += paragraph(fmt::format("management: tcp {} from {}", print_list(items(firewall, "management_ports")),
                                 print_list(items(firewall, "management"))),
                     style, 2);
    out += paragraph(print_limits(firewall), style, 2);
    if (const Json& dropped = field(firewall, "dropped"); dropped.is_object()) {
        out += paragraph(fmt::format("dropped: {} packets to closed ports, {} over the rate, {} over the connections",
                                     print_count(number(dropped, "policy")), print_count(number(dropped, "rate")),
                                     print_count(number(dropped, "connections"))),
                         style, 2);
    }
    return out;
}

}  // namespace appliance::cli

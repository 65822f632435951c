#include "appliance/cli/host_fence.hpp"

#include <fmt/format.h>
#include <syslog.h>

#include <nlohmann/json.hpp>

#include "appliance/cli/exit_code.hpp"
#include "appliance/cli/table.hpp"
#include "appliance/cli/view.hpp"
#include "netfilter/fence/fence_table.hpp"
#include "netfilter/fence/host_fences.hpp"

namespace appliance::cli {
namespace {

using netfilter::Change;
using netfilter::Fence;

// In `nft list ruleset`, the note of a fence says with this which program put it there.
constexpr const char* fence_id = "host-fence";

// What is an operator's words may be any bytes; what is not UTF-8 is replaced.
Outcome refused(const core::Error& error) {
    return {failed, {}, fmt::format("gatehouse: {}\n", clean(error.line()))};
}

// Each named address with each named port.
std::vector<core::Address> backends_of(const Options& options) {
    std::vector<core::Address> backends;
    for (const auto& from : options.from) {
        for (const auto port : options.ports) {
            backends.push_back(from.with_port(port));
        }
    }
    return backends;
}

netfilter::Mode mode_of(const Options& options) {
    return options.mode == "icmp"   ? netfilter::Mode::icmp
           : options.mode == "drop" ? netfilter::Mode::drop
                                    : netfilter::Mode::reset;
}

std::vector<Change> changes_of(const Options& options, const std::string& who, core::WallTime now) {
    std::vector<Change> changes;
    for (const auto& backend : backends_of(options)) {
        if (options.command == Command::host_fence_remove) {
            changes.emplace_back(netfilter::Unfence{backend});
            continue;
        }
        Fence fence;
        fence.backend = backend;
        fence.mode = mode_of(options);
        fence.id = fence_id;
        fence.who = who;
        fence.why = options.why;
        fence.since = now;
        if (options.lasts) {
            fence.until = now + *options.lasts;
        }
        changes.emplace_back(std::move(fence));
    }
    return changes;
}

Json to_json(const Fence& fence) {
    using core::base::print_time;
    return {{"from", fence.backend.host()},
            {"port", fence.backend.port()},
            {"protocol", fence.protocol == IPPROTO_TCP ? "tcp" : "udp"},
            {"mode", print(fence.mode)},
            {"scope", print(fence.scope)},
            {"packets", fence.packets},
            {"bytes", fence.bytes},
            {"id", fence.id},
            {"who", fence.who},
            {"why", fence.why},
            // Somebody may have put an element into our map by hand; it says nothing about itself.
            {"since", fence.since == core::WallTime{} ? Json() : Json(print_time(fence.since))},
            {"until", fence.until ? Json(print_time(*fence.until)) : Json()}};
}

Json to_json(std::span<const Fence> fences) {
    Json list = Json::array();
    for (const auto& fence : fences) {
        list.push_back(to_json(fence));
    }
    return {{"table", fmt::format("inet {}", netfilter::host_fence_table_name)}, {"fences", std::move(list)}};
}

// No daemon keeps a journal here, so the system's log does: who did what and why, also when the fence is gone again.
// A host without a log goes without.
void record(const Options& options, const std::string& who) {
    std::vector<std::string> from;
    for (const auto& address : options.from) {
        from.push_back(address.host());
    }
    const auto line = clean(fmt::format("host-fence {}: new connections from {} to port {}, by {}: {}",
                                        options.command == Command::host_fence_add ? "add" : "remove",
                                        fmt::join(from, ", "), fmt::join(options.ports, ", "), who, options.why));
    openlog("gatehouse", LOG_PID, LOG_DAEMON);
    // A datagram has its limits, and ten thousand ports would be more than one.
    syslog(LOG_NOTICE, "%.2000s", line.c_str());
}

std::string show_added(const Options& options, std::size_t changed, const Style& style) {
    std::string out;
    for (const auto& backend : backends_of(options)) {
        const auto lasts = options.lasts ? ", for " + core::base::print_duration(*options.lasts) : "";
        out += paragraph(fmt::format("fenced: new connections from {} to port {}, mode {}{}", backend.host(),
                                     backend.port(), print(mode_of(options)), lasts),
                         style);
    }
    return changed == 0 ? out + "nothing had to be changed\n" : out;
}

std::string show_removed(std::size_t changed, const Style& style) {
    return paragraph(
        changed == 0 ? "nothing was fenced" : "lifted " + print_number(static_cast<std::int64_t>(changed), "fence"),
        style);
}

}  // namespace

std::string print_host_fences(std::span<const Fence> fences) {
    return dump(to_json(fences));
}

std::string show_host_fences(std::span<const Fence> fences, core::WallTime now, const Style& style) {
    const auto name = fmt::format("table inet {}", netfilter::host_fence_table_name);
    if (fences.empty()) {
        return paragraph(name + ": no fence in the kernel", style);
    }
    Table table({{"FROM"}, {"PORT", true}, {"MODE"}, {"HITS", true}, {"BY"}, {"FOR"}, {"LEFT"}});
    for (const auto& fence : fences) {
        const Json json = to_json(fence);
        std::vector<Cell> details;
        if (!fence.why.empty()) {
            details.push_back({fence.why});
        }
        table.add({{fence.backend.host()},
                   {fmt::format("{}{}", fence.backend.port(), fence.protocol == IPPROTO_TCP ? "" : "/udp")},
                   {std::string(print(fence.mode))},
                   {print_count(static_cast<std::int64_t>(fence.packets))},
                   {fence.who.empty() ? "-" : fence.who},
                   {print_since(json, "since", now)},
                   {print_until(json, "until", now)}},
                  std::move(details));
    }
    const auto count = print_number(static_cast<std::int64_t>(fences.size()), "fence");
    return paragraph(fmt::format("{}: {}", name, count), style) + table.render(style);
}

Outcome host_fence(const Options& options, const std::string& who, core::WallTime now, const Style& style) {
    auto host = netfilter::HostFences::open();
    if (!host) {
        return refused(host.error());
    }
    std::size_t changed = 0;
    if (options.command != Command::host_fence_list) {
        const auto done = host->apply(changes_of(options, who, now));
        if (!done) {
            return refused(done.error());
        }
        changed = *done;
    }
    if (changed > 0) {
        record(options, who);
    }
    if (options.json || options.command == Command::host_fence_list) {
        const auto fences = host->list();
        if (!fences) {
            return refused(fences.error());
        }
        if (!options.json) {
            return {done, show_host_fences(*fences, now, style), {}};
        }
        Json body = to_json(std::span(*fences));
        if (options.command != Command::host_fence_list) {
            body["changed"] = changed;
        }
        return {done, dump(body), {}};
    }
    const bool added = options.command == Command::host_fence_add;
    return {done, added ? show_added(options, changed, style) : show_removed(changed, style), {}};
}

}  // namespace appliance::cli

#include "appliance/cli/commands/host_fence.hpp"

#include <fmt/format.h>
#include <syslog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "appliance/cli/client/arguments.hpp"
#include "appliance/cli/client/exit_code.hpp"
#include "appliance/cli/terminal/table.hpp"
#include "netfilter/fence/fence_table.hpp"

namespace appliance::cli {
namespace {

// In `nft list ruleset`, the note of a fence says with this which program put it there.
constexpr const char* fence_id = "host-fence";
constexpr std::size_t host_fences_max = 10'000;

// The source that a host fence refuses. One that no packet can have is an error, because a fence without effect looks
// like one that works.
core::Address parse_from(const std::string& text) {
    const auto refuse = [&text](std::string_view why) {
        return CLI::ValidationError("--from", fmt::format("'{}' {}", text, why));
    };
    if (text.find('/') != std::string::npos) {
        throw refuse("is a network; name each balancer's address");
    }
    const auto address = core::Address::parse_host(text, 0);
    if (!address) {
        throw refuse("is not an address; write 10.0.0.5 or fd00::5, names are not looked up");
    }
    if (*address == core::Address{} || *address == *core::Address::parse_host("::", 0)) {
        throw refuse("is nobody's address; name the balancer's");
    }
    return *address;
}

std::uint16_t parse_port(const std::string& text) {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0 || port > 65535) {
        throw CLI::ValidationError("--port", fmt::format("'{}' is not a port; write a number from 1 to 65535", text));
    }
    return static_cast<std::uint16_t>(port);
}

netfilter::Mode mode_of(const std::optional<std::string>& mode) {
    return mode == "icmp" ? netfilter::Mode::icmp : mode == "drop" ? netfilter::Mode::drop : netfilter::Mode::reset;
}

Json to_json(const netfilter::Fence& fence) {
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
            // An element that was put into our map by hand says nothing about itself.
            {"since", fence.since == core::WallTime{} ? Json() : Json(print_time(fence.since))},
            {"until", fence.until ? Json(print_time(*fence.until)) : Json()}};
}

Json to_json(std::span<const netfilter::Fence> fences) {
    Json list = Json::array();
    for (const auto& fence : fences) {
        list.push_back(to_json(fence));
    }
    return {{"table", fmt::format("inet {}", netfilter::host_fence_table_name)}, {"fences", std::move(list)}};
}

class HostFenceListCommand : public Command {
public:
    using Command::Command;

    void declare(CLI::App& app, Common& /*common*/) override {
        app.footer("Example: gatehouse host-fence list --json");
    }
    int run(const Finish& finish) override {
        auto host = netfilter::HostFences::open();
        const auto fences = host ? host->list() : tl::unexpected(host.error());
        if (!fences) {
            return finish(outcome_of_failure(fences.error()));
        }
        const Screen screen = screen_now();
        return finish({done,
                       common().json ? print_host_fences(*fences) : show_host_fences(*fences, screen.now, screen.style),
                       {}});
    }
    [[nodiscard]] bool is_local() const override { return true; }
};

// An option that takes several values, each read by read.
template <typename Value>
void add_values(CLI::App& app, const std::string& name, const std::string& type, const std::string& help,
                std::vector<Value>& values, Value (*read)(const std::string&)) {
    app.add_option_function<std::vector<std::string>>(
           name,
           [&values, read](const std::vector<std::string>& words) {
               std::transform(words.begin(), words.end(), std::back_inserter(values), read);
           },
           help)
        ->type_name(type)
        ->delimiter(',')
        ->required();
}

}  // namespace

void HostFenceCommand::declare(CLI::App& app, Common& common) {
    add_values(app, "--from", "ADDRESS", "The balancer's addresses, one or several", from_, parse_from);
    add_values(app, "--port", "PORT", "This server's TCP ports, one or several", ports_, parse_port);
    if (adds_) {
        add_mode(app, mode_);
        add_duration(app, "--for", "Lift the fence after this time; the kernel does it",
                     [this](core::Milliseconds lasts) {
                         if (lasts == core::Milliseconds{}) {
                             throw CLI::ValidationError("--for", "a fence for no time is none; write 30m, or remove");
                         }
                         lasts_ = lasts;
                     });
    }
    add_why(app, common);
    app.footer(adds_ ? "Example: gatehouse host-fence add --from 10.0.0.5 --port 80 --for 30m\n"
                       "Established connections go on. A second add replaces mode, reason and time of\n"
                       "the first. Needs root or CAP_NET_ADMIN."
                     : "Example: gatehouse host-fence remove --from 10.0.0.5 --port 80\n"
                       "What is not fenced is no error. The last fence takes the nftables table with it.");
}

void HostFenceCommand::check() const {
    if (from_.size() * ports_.size() > host_fences_max) {
        throw CLI::ValidationError("--port", fmt::format("more than {} fences at once", host_fences_max));
    }
}

std::vector<core::Address> HostFenceCommand::backends() const {
    std::vector<core::Address> backends;
    for (const auto& from : from_) {
        for (const auto port : ports_) {
            backends.push_back(from.with_port(port));
        }
    }
    return backends;
}

std::vector<netfilter::Change> HostFenceCommand::changes(core::WallTime now) const {
    std::vector<netfilter::Change> changes;
    for (const auto& backend : backends()) {
        if (!adds_) {
            changes.emplace_back(netfilter::Unfence{backend});
            continue;
        }
        netfilter::Fence fence;
        fence.backend = backend;
        fence.mode = mode_of(mode_);
        fence.id = fence_id;
        fence.who = common().claimed_by;
        fence.why = common().why;
        fence.since = now;
        if (lasts_) {
            fence.until = now + *lasts_;
        }
        changes.emplace_back(std::move(fence));
    }
    return changes;
}

int HostFenceCommand::run(const Finish& finish) {
    return finish(apply());
}

Outcome HostFenceCommand::apply() const {
    const Screen screen = screen_now();
    auto host = netfilter::HostFences::open();
    if (!host) {
        return outcome_of_failure(host.error());
    }
    const auto changed = host->apply(changes(screen.now));
    if (!changed) {
        return outcome_of_failure(changed.error());
    }
    if (*changed > 0) {
        record();
    }
    if (!common().json) {
        return {done, show(*changed, screen.style), {}};
    }
    const auto fences = host->list();
    if (!fences) {
        return outcome_of_failure(fences.error());
    }
    Json body = to_json(std::span(*fences));
    body["changed"] = *changed;
    return {done, dump(body), {}};
}

// No daemon keeps a journal here. So the system's log has author, action and reason, also when the fence is gone.
// Without a system log there is no record.
void HostFenceCommand::record() const {
    std::vector<std::string> from;
    for (const auto& address : from_) {
        from.push_back(address.host());
    }
    const auto line =
        clean(fmt::format("host-fence {}: new connections from {} to port {}, by {}: {}", adds_ ? "add" : "remove",
                          fmt::join(from, ", "), fmt::join(ports_, ", "), common().claimed_by, common().why));
    openlog("gatehouse", LOG_PID, LOG_DAEMON);
    // Ten thousand ports do not fit into a datagram.
    syslog(LOG_NOTICE, "%.2000s", line.c_str());
}

std::string HostFenceCommand::show(std::size_t changed, const Style& style) const {
    if (!adds_) {
        return paragraph(
            changed == 0 ? "nothing was fenced" : "lifted " + print_number(static_cast<std::int64_t>(changed), "fence"),
            style);
    }
    std::string out;
    for (const auto& backend : backends()) {
        const auto lasts = lasts_ ? ", for " + core::base::print_duration(*lasts_) : "";
        out += paragraph(fmt::format("fenced: new connections from {} to port {}, mode {}{}", backend.host(),
                                     backend.port(), print(mode_of(mode_)), lasts),
                         style);
    }
    return changed == 0 ? out + "nothing had to be changed\n" : out;
}

std::string print_host_fences(std::span<const netfilter::Fence> fences) {
    return dump(to_json(fences));
}

std::string show_host_fences(std::span<const netfilter::Fence> fences, core::WallTime now, const Style& style) {
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

extern const Maker make_host_fence_add = [](const Common& common) { return make<HostFenceCommand>(common, true); };
extern const Maker make_host_fence_remove = [](const Common& common) { return make<HostFenceCommand>(common, false); };
extern const Maker make_host_fence_list = make<HostFenceListCommand>;

}  // namespace appliance::cli

#include "appliance/control/sync/firewall.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace appliance::control {
namespace {

using Json = Firewall::Json;

Json print(const config::Firewall::Rate& rate) {
    const char* unit = rate.unit == 1 ? "s" : rate.unit == 60 ? "m" : "h";
    return rate.count == 0 ? Json() : Json(fmt::format("{}/{}", rate.count, unit));
}

Json maybe(unsigned limit) {
    return limit == 0 ? Json() : Json(limit);
}

void keep_each_once(std::vector<std::uint16_t>& ports) {
    std::sort(ports.begin(), ports.end());
    ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
}

}  // namespace

netfilter::HostRules host_rules(const config::Firewall& firewall, const config::Config& config) {
    netfilter::HostRules rules;
    rules.management = firewall.management;
    rules.management_ports = firewall.management_ports;
    rules.connections_per_source = firewall.connections_per_source;
    rules.new_per_source = {firewall.new_per_source.count, firewall.new_per_source.unit};
    const auto& kept = rules.management_ports;
    for (const config::Listener& listener : config.listeners) {
        const auto port = listener.address.port();
        if (config.in_kernel(listener)) {
            rules.redirected.push_back(port);
        }
        if (!listener.address.is_loopback() && !std::binary_search(kept.begin(), kept.end(), port)) {
            rules.ports.push_back(port);
        }
    }
    keep_each_once(rules.ports);
    keep_each_once(rules.redirected);
    return rules;
}

Firewall::Firewall(const config::Config& config, HelperLink& helper, Log log)
    : helper_(helper), log_(std::move(log)), folder_(config.control.state) {
    auto store = FirewallStore::open(folder_);
    auto stored = store ? store->load() : tl::unexpected(store.error());
    if (!stored && config.firewall.enabled) {
        log_("firewall", {{"error", stored.error().line()}});
    }
    trial_ = begin(stored ? *stored : std::nullopt, config.firewall, core::base::wall_now());
    // Where there never was a firewall, nothing need be remembered of it.
    const bool remember = trial_.in_force().enabled || (stored && *stored);
    if (const auto kept = remember ? save(trial_) : core::Result<void>(); !kept) {
        log_("firewall", {{"error", kept.error().line()}});
    }
}

core::Result<void> Firewall::save(const FirewallTrial& trial) {
    return FirewallStore::open(folder_).and_then([&trial](FirewallStore&& store) { return store.save(trial); });
}

core::Result<bool> Firewall::apply(const FirewallTrial& trial, const config::Config& config) {
    const auto& wanted = trial.in_force();
    return wanted.enabled ? helper_.put_firewall(host_rules(wanted, config)) : helper_.remove_firewall();
}

core::Result<void> Firewall::change(const config::Config& running, const config::Config& wanted, const std::string& who,
                                    const std::string& why) {
    const FirewallTrial before = trial_;
    FirewallTrial next = begin_change(before, wanted.firewall, who, why, core::base::wall_now());
    if (!before.in_force().enabled && !next.in_force().enabled && !before.change) {
        trial_ = std::move(next);
        return {};
    }
    if (!(next == before)) {
        if (auto kept = save(next); !kept) {
            return kept;
        }
    }
    if (const auto applied = apply(next, wanted); !applied) {
        take_back(before, running);
        return tl::unexpected(applied.error());
    }
    known_ = true;
    trial_ = std::move(next);
    if (trial_.change && !(trial_ == before)) {
        log_("firewall", {{"state", "on trial"},
                          {"who", who},
                          {"why", why},
                          {"until", core::base::print_time(trial_.change->until)}});
    }
    return {};
}

void Firewall::take_back(const FirewallTrial& before, const config::Config& running) {
    const bool untouched = !before.in_force().enabled && !trial_.in_force().enabled;
    trial_ = before;
    known_ = false;
    if (untouched) {
        return;
    }
    const auto kept = save(before);
    const auto applied = apply(before, running);  // where it fails, tick tries again
    if (!kept || !applied) {
        log_("firewall", {{"error", "cannot take back: " + (kept ? applied.error() : kept.error()).line()}});
    }
}

Outcome<Json> Firewall::confirm(const config::Config& config, const std::string& who, const std::string& why) {
    // The main loop may not have come to it yet, but the time that was promised is over.
    const bool late = expire(trial_, core::base::wall_now()).has_value();
    auto next = control::confirm(trial_);
    if (!next || late) {
        return refuse(409,
                      {"nothing to confirm", late ? "the time is over" : "no change of the firewall is waiting",
                       "gatehouse firewall status shows what is in force; gatehouse reload tries the file again", 0});
    }
    if (auto kept = save(*next); !kept) {
        return refuse(std::move(kept.error()));
    }
    trial_ = std::move(*next);
    log_("firewall", {{"state", "confirmed"}, {"who", who}, {"why", why}});
    return view(config);
}

void Firewall::tick(const config::Config& config) {
    if (auto back = expire(trial_, core::base::wall_now())) {
        log_("firewall", {{"state", "gone back"},
                          {"why", "nobody confirmed the change"},
                          {"who", trial_.change->who},
                          {"since", core::base::print_time(trial_.change->since)}});
        trial_ = std::move(*back);
        known_ = false;
        // A full disk must not keep the operator out: what is stored goes back at the next start as well.
        if (const auto kept = save(trial_); !kept) {
            log_("firewall", {{"error", kept.error().line()}});
        }
    }
    if (!helper_.attached() || (known_ && !trial_.in_force().enabled)) {
        return;
    }
    const auto changed = apply(trial_, config);
    if (!changed) {
        const auto line = changed.error().line();
        if (std::exchange(last_error_, line) != line) {
            log_("firewall", {{"error", line}});
        }
        known_ = false;
        return;
    }
    if (*changed && known_) {
        ++repairs_;
        log_("firewall", {{"state", "repaired"}, {"why", "somebody changed table inet gatehouse_host"}});
    } else if (*changed) {
        log_("firewall", {{"state", trial_.in_force().enabled ? "on" : "off"}});
    }
    known_ = true;
    last_error_.clear();
}

Json Firewall::view(const config::Config& config) {
    const auto& firewall = trial_.in_force();
    const auto rules = host_rules(firewall, config);
    Json networks = Json::array();
    for (const auto& network : rules.management) {
        networks.push_back(network.text());
    }
    const auto drops = helper_.attached() ? helper_.firewall_drops() : core::fail("no fence process");
    const auto& change = trial_.change;
    Json dropped;
    if (drops && *drops) {
        const auto& seen = **drops;
        dropped = {{"policy", seen.policy}, {"rate", seen.rate}, {"connections", seen.connections}};
    }
    const char* state = change ? "on trial" : trial_.refused ? "gone back" : firewall.enabled ? "on" : "off";
    return {{"table", "inet gatehouse_host"},
            {"state", state},
            {"enabled", firewall.enabled},
            {"in_kernel", drops ? Json(drops->has_value()) : Json()},
            {"ports", rules.ports},
            {"management", std::move(networks)},
            {"management_ports", rules.management_ports},
            {"connections_per_source", maybe(rules.connections_per_source)},
            {"new_per_source", print(firewall.new_per_source)},
            {"who", change ? Json(change->who) : Json()},
            {"why", change ? Json(change->why) : Json()},
            {"since", change ? Json(core::base::print_time(change->since)) : Json()},
            {"until", change ? Json(core::base::print_time(change->until)) : Json()},
            {"dropped", std::move(dropped)},
            {"repairs", repairs_}};
}

std::string Firewall::note() const {
    return trial_.change ? fmt::format(
                               "firewall: on trial until {}, then the old one comes back; from a new session "
                               "run: gatehouse firewall confirm",
                               core::base::print_time(trial_.change->until))
                         : std::string();
}

}  // namespace appliance::control

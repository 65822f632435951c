#include "appliance/control/configuration/reloader.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "appliance/config/file/load.hpp"
#include "appliance/config/model/resolve.hpp"
#include "appliance/control/configuration/differences.hpp"
#include "appliance/control/model/follow.hpp"

namespace appliance::control {
namespace {

using Json = nlohmann::ordered_json;

std::set<core::Address> addresses_of(const config::Config& config) {
    std::set<core::Address> all;
    for (const config::Listener& listener : config.listeners) {
        if (!config.in_kernel(listener)) {
            all.insert(listener.address);
        }
    }
    return all;
}

}  // namespace

Outcome<Json> Reloader::take_file(const std::string& who, const std::string& why) {
    const auto running = shared_.wanted().config;
    auto text = file_.text();
    auto wanted = text ? config::parse(*text, running->file) : config::load(running->file);
    if (!wanted) {
        const Refusal refusal = refuse_configuration(wanted.error());
        shared_.log("reload",
                    {{"error", refusal.error.what}, {"problems", refusal.problems}, {"who", who}, {"why", why}});
        return tl::unexpected(refusal);
    }
    auto taken = take(std::move(*wanted), who, why);
    if (taken && text) {
        running_text_ = std::move(*text);
    }
    return taken;
}

Outcome<Json> Reloader::take(config::Config wanted, const std::string& who, const std::string& why) {
    const auto running = shared_.wanted().config;
    std::vector<std::string> notes;
    config::Config taken = keep_fixed(*running, std::move(wanted), notes);
    give_addresses(taken);
    std::vector<std::string> changed = describe_changes(*running, taken);
    const FirewallTrial firewall = firewall_.trial();
    if (auto done = firewall_.change(*running, taken, who, why); !done) {
        shared_.log("reload", {{"error", done.error().line()}, {"who", who}, {"why", why}});
        return refuse(std::move(done.error()));
    }
    if (auto done = take_config(taken); !done) {
        firewall_.take_back(firewall, *running);
        shared_.log("reload", {{"error", done.error().error.line()}, {"who", who}, {"why", why}});
        return tl::unexpected(std::move(done.error()));
    }
    if (auto note = firewall_.note(); !note.empty()) {
        std::erase(changed, "firewall: changed");
        notes.push_back(std::move(note));
    }
    changed.insert(changed.end(), notes.begin(), notes.end());
    shared_.log("reload", {{"changed", changed}, {"who", who}, {"why", why}});
    return Json{{"changed", std::move(changed)}};
}

// Everything that can fail comes before the point from which on the new configuration counts.
Outcome<void> Reloader::take_config(const config::Config& wanted) {
    const Wanted before = shared_.wanted();
    std::vector<netfilter::Change> moves;
    Administration next = follow(*before.administration, wanted, moves);
    const std::set<core::Address> old_addresses = addresses_of(*before.config);
    const std::set<core::Address> new_addresses = addresses_of(wanted);
    const auto close_unless = [this](const std::set<core::Address>& open, const std::set<core::Address>& kept) {
        for (const core::Address& address : open) {
            if (!kept.contains(address)) {
                static_cast<void>(shared_.supervisor.close_listeners(address));
            }
        }
    };
    core::Result<void> done;
    if (!(next == *before.administration)) {
        done = shared_.keeper.save(next);
    }
    // A fence follows its server to a new address: it is there before the first visitor could be, and at the old
    // address until the new configuration counts.
    const auto left = std::stable_partition(moves.begin(), moves.end(), [](const netfilter::Change& change) {
        return std::holds_alternative<netfilter::Fence>(change);
    });
    const std::vector<netfilter::Change> lifted(left, moves.end());
    moves.erase(left, moves.end());
    if (done && !moves.empty()) {
        done = shared_.helper.apply(moves);
    }
    if (done && shared_.proxy.status().state == ProxyState::running) {
        done = proxy_sync_.configure(wanted);
    }
    if (!done) {
        if (shared_.proxy.status().state == ProxyState::running) {
            static_cast<void>(proxy_sync_.configure(*before.config));
        }
        close_unless(new_addresses, old_addresses);
        if (!(next == *before.administration) || !moves.empty()) {
            commits_.take_back(*before.administration, moves);
        }
        return refuse(std::move(done.error()));
    }
    shared_.publish(wanted);
    shared_.publish(std::move(next));
    for (const config::Pool& pool : wanted.pools) {
        for (const config::Backend& backend : pool.backends) {
            shared_.leases.move({pool.name, backend.server}, backend.address);
        }
    }
    // A listener that the kernel takes over keeps its socket until it has.
    if (const auto told = proxy_sync_.administer(); !told) {
        shared_.log("reload", {{"error", told.error().line()}});
    }
    leave(*before.administration, lifted);
    close_unless(old_addresses, new_addresses);
    return {};
}

// At the start: the file may have moved a fenced server since the state was written. Its fence follows it, as in a
// reload; what the kernel holds at the old address goes with the first comparison.
void Reloader::follow_file() {
    const Wanted now = shared_.wanted();
    std::vector<netfilter::Change> moves;
    Administration next = follow(*now.administration, *now.config, moves);
    if (next.fences == now.administration->fences) {
        return;
    }
    kernel_.withdraw_left(*now.administration, moves);
    shared_.keeper.keep(next);
    shared_.publish(std::move(next));
}

// The fences at addresses that no server has any more. One that stays behind is taken out by the comparison.
void Reloader::leave(const Administration& before, const std::vector<netfilter::Change>& lifted) {
    if (lifted.empty() || shared_.helper.apply(lifted)) {
        return;
    }
    for (const netfilter::Change& change : lifted) {
        const auto old = before.fences.find(std::get<netfilter::Unfence>(change).backend);
        if (old != before.fences.end()) {
            shared_.withdrawn.insert(old->second.id);
        }
    }
    shared_.compare_again = true;
}

void Reloader::give_addresses(config::Config& wanted) const {
    config::resolve(wanted, shared_.names.answers_for(wanted), *shared_.wanted().config);
}

}  // namespace appliance::control

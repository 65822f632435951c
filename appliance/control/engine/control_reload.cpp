// Reload: a new configuration into running processes.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "appliance/config/load.hpp"
#include "appliance/control/engine/control.hpp"
#include "appliance/control/engine/differences.hpp"
#include "appliance/control/model/drift.hpp"

namespace appliance::control {
namespace {

using Json = Control::Json;

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

Outcome<Json> Control::take_file(const std::string& who, const std::string& why) {
    const auto running = state().config;
    auto text = file_.text();
    auto wanted = text ? config::parse(*text, running->file) : config::load(running->file);
    if (!wanted) {
        const Refusal refusal = refuse_configuration(wanted.error());
        log("reload", {{"error", refusal.error.what}, {"problems", refusal.problems}, {"who", who}, {"why", why}});
        return tl::unexpected(refusal);
    }
    auto taken = take_wanted(std::move(*wanted), who, why);
    if (taken && text) {
        running_text_ = std::move(*text);
    }
    return taken;
}

Outcome<Json> Control::take_wanted(config::Config wanted, const std::string& who, const std::string& why) {
    const auto running = state().config;
    std::vector<std::string> notes;
    config::Config taken = keep_fixed(*running, std::move(wanted), notes);
    give_addresses(taken);
    std::vector<std::string> changed = describe_changes(*running, taken);
    const FirewallTrial firewall = firewall_.trial();
    if (auto done = firewall_.change(*running, taken, who, why); !done) {
        log("reload", {{"error", done.error().line()}, {"who", who}, {"why", why}});
        return refuse(std::move(done.error()));
    }
    if (auto done = take_config(taken); !done) {
        firewall_.take_back(firewall, *running);
        log("reload", {{"error", done.error().error.line()}, {"who", who}, {"why", why}});
        return tl::unexpected(std::move(done.error()));
    }
    if (auto note = firewall_.note(); !note.empty()) {
        std::erase(changed, "firewall: changed");
        notes.push_back(std::move(note));
    }
    changed.insert(changed.end(), notes.begin(), notes.end());
    log("reload", {{"changed", changed}, {"who", who}, {"why", why}});
    return Json{{"changed", std::move(changed)}};
}

// Everything that can fail comes before the point from which on the new configuration counts.
Outcome<void> Control::take_config(const config::Config& wanted) {
    const State before = state();
    std::vector<netfilter::Change> moves;
    Administration next = follow(*before.administration, wanted, moves);
    const std::set<core::Address> old_addresses = addresses_of(*before.config);
    const std::set<core::Address> new_addresses = addresses_of(wanted);
    const auto close_unless = [this](const std::set<core::Address>& open, const std::set<core::Address>& kept) {
        for (const core::Address& address : open) {
            if (!kept.contains(address)) {
                static_cast<void>(supervisor_.close_listeners(address));
            }
        }
    };
    core::Result<void> done;
    if (!(next == *before.administration)) {
        done = keeper_.save(next);
    }
    // A fence follows its server to a new address: it is there before the first visitor could be, and at the old
    // address until the new configuration counts.
    const auto left = std::stable_partition(moves.begin(), moves.end(), [](const netfilter::Change& change) {
        return std::holds_alternative<netfilter::Fence>(change);
    });
    const std::vector<netfilter::Change> lifted(left, moves.end());
    moves.erase(left, moves.end());
    if (done && !moves.empty()) {
        done = helper_.apply(moves);
    }
    if (done && proxy_.status().state == ProxyState::running) {
        done = configure(wanted);
    }
    if (!done) {
        if (proxy_.status().state == ProxyState::running) {
            static_cast<void>(configure(*before.config));
        }
        close_unless(new_addresses, old_addresses);
        if (!(next == *before.administration) || !moves.empty()) {
            take_back(*before.administration, moves);
        }
        return refuse(std::move(done.error()));
    }
    publish(wanted);
    publish(std::move(next));
    for (const config::Pool& pool : wanted.pools) {
        for (const config::Backend& backend : pool.backends) {
            leases_.move({pool.name, backend.server}, backend.address);
        }
    }
    // A listener that the kernel takes over keeps its socket until it has.
    if (const auto told = administer(); !told) {
        log("reload", {{"error", told.error().line()}});
    }
    leave(*before.administration, lifted);
    close_unless(old_addresses, new_addresses);
    return {};
}

// At the start: the file may have moved a fenced server since the state was written. Its fence follows it, as in a
// reload; what the kernel holds at the old address goes with the first comparison.
void Control::follow_file() {
    const State now = state();
    std::vector<netfilter::Change> moves;
    Administration next = follow(*now.administration, *now.config, moves);
    if (next.fences == now.administration->fences) {
        return;
    }
    withdraw_left(*now.administration, moves);
    keeper_.keep(next);
    publish(std::move(next));
}

// What the kernel holds where no server is any more goes with the next comparison.
void Control::withdraw_left(const Administration& before, std::span<const netfilter::Change> moves) {
    for (const netfilter::Change& change : moves) {
        if (const auto* left = std::get_if<netfilter::Unfence>(&change)) {
            const FenceRecord& old = before.fences.at(left->backend);
            withdrawn_.insert(old.id);
            left_at_start_.emplace(left->backend, old);
        }
    }
}

// A disk in trouble may have missed the last order about a server that the file has moved since: then the kernel holds
// another fence at the old address than the store did. It follows its server too.
Administration Control::follow_kernel(Administration stored, std::span<const netfilter::Fence> kernel) {
    for (const netfilter::Fence& found : kernel) {
        const auto left = left_at_start_.find(found.backend);
        if (left == left_at_start_.end() || left->second.id == found.id) {
            continue;
        }
        const auto stands = std::find_if(stored.fences.begin(), stored.fences.end(), [&](const auto& entry) {
            return entry.second.id == left->second.id && entry.second.server == left->second.server;
        });
        if (stands == stored.fences.end()) {
            continue;  // an order of this process has replaced it
        }
        FenceRecord moved = adopt(*state().config, found);
        moved.address = stands->first;
        moved.server = left->second.server;
        moved.pool = left->second.pool;
        stands->second = std::move(moved);
        withdrawn_.insert(found.id);
    }
    return stored;
}

// The fences at addresses that no server has any more. One that stays behind is taken out by the comparison.
void Control::leave(const Administration& before, const std::vector<netfilter::Change>& lifted) {
    if (lifted.empty() || helper_.apply(lifted)) {
        return;
    }
    for (const netfilter::Change& change : lifted) {
        const auto old = before.fences.find(std::get<netfilter::Unfence>(change).backend);
        if (old != before.fences.end()) {
            withdrawn_.insert(old->second.id);
        }
    }
    compare_again_ = true;
}

// The administrative state under another configuration: fences move where their server's backend has moved, the page
// of a pool that is gone goes too, and so does the weight of a server that has left it.
Administration Control::follow(const Administration& before, const config::Config& wanted,
                               std::vector<netfilter::Change>& changes) {
    Administration next = before;
    std::erase_if(next.maintenance, [&](const auto& entry) { return wanted.pool(entry.first) == nullptr; });
    std::erase_if(next.weights, [&](const auto& entry) {
        const config::Pool* pool = wanted.pool(entry.first.first);
        return pool == nullptr || std::none_of(pool->backends.begin(), pool->backends.end(), [&](const auto& backend) {
                   return backend.server == entry.first.second;
               });
    });
    for (const auto& [address, record] : before.fences) {
        const config::Pool* pool = wanted.pool(record.pool);
        if (pool == nullptr) {
            continue;
        }
        const auto backend = std::find_if(pool->backends.begin(), pool->backends.end(),
                                          [&](const auto& candidate) { return candidate.server == record.server; });
        if (backend == pool->backends.end() || backend->address == address || !backend->has_address()) {
            continue;
        }
        FenceRecord moved = record;
        moved.address = backend->address;
        // Another backend may still be at the old address: then it stays fenced, as it was.
        if (!backend_at(wanted, address)) {
            next.fences.erase(address);
            changes.emplace_back(netfilter::Unfence{address});
        }
        if (const auto there = next.fences.find(moved.address);
            there != next.fences.end() && there->second.server == moved.server) {
            continue;  // ordered where the server is now, after a start with a disk that could not be read
        }
        changes.emplace_back(kernel_fence(moved));
        next.fences[moved.address] = std::move(moved);
    }
    return next;
}

}  // namespace appliance::control

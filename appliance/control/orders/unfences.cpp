#include "appliance/control/orders/unfences.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "appliance/control/model/fence_claim.hpp"
#include "appliance/control/observe/views.hpp"

namespace appliance::control {
namespace {

using Json = nlohmann::ordered_json;

// What goes with every refusal of an order that the disk would have had to keep.
core::Error not_done(core::Error error, const char* what) {
    error.why = error.line();
    error.what = what;
    error.mend = "gatehouse status shows the state folder; fences and the page still work";
    return error;
}

// What a wait for checks looks at: every named backend, fenced or not, and every one behind a fence that goes.
std::vector<Target> named_or_fenced(const config::Config& config, const Administration& administration,
                                    const UnfenceOrder& order, const std::set<core::Address>& lifted) {
    std::vector<Target> targets = find_targets(config, order.servers, order.pool).value_or(std::vector<Target>());
    for (Target& target : fenced_backends(config, administration)) {
        const bool named = std::any_of(targets.begin(), targets.end(), [&target](const Target& each) {
            return each.pool == target.pool && each.server == target.server;
        });
        if (lifted.contains(target.address) && !named) {
            targets.push_back(std::move(target));
        }
    }
    return targets;
}

// Fences that an order means, by where they stood when it came: their ids. One that another program has set may have
// none.
using Meant = std::map<core::Address, std::string>;

// Where they stand by now: a reload may have moved them with their servers. One that another order has put in the place
// of a fence is not meant.
std::set<core::Address> places_of(const Meant& meant, const Administration& now) {
    std::set<core::Address> places;
    for (const auto& [address, fence] : now.fences) {
        const bool stands = std::any_of(meant.begin(), meant.end(), [&address, &fence](const auto& each) {
            return each.second == fence.id && (!fence.id.empty() || each.first == address);
        });
        if (stands) {
            places.insert(address);
        }
    }
    return places;
}

// The fence that another order has put in the place of one that is meant. Null where none has.
const FenceRecord* replacement(const Meant& meant, const Administration& now) {
    for (const auto& [address, id] : meant) {
        const auto found = now.fences.find(address);
        const bool stands = std::any_of(now.fences.begin(), now.fences.end(),
                                        [&id](const auto& each) { return !id.empty() && each.second.id == id; });
        if (!stands && found != now.fences.end() && found->second.id != id) {
            return &found->second;
        }
    }
    return nullptr;
}

}  // namespace

// Store first: what the disk does not take is not lifted, and a lifting that was reported survives a crash. A crash
// before the kernel's turn leaves the fence there, and the next start adopts it for its owner. Then the
// kernel, because the proxy may send visitors there only once it lets them through.
// The end and its author are noted before a waiting order can see that the fence has gone.
core::Result<void> Unfences::commit_lift(Administration next, const UnfenceOrder& order,
                                         const std::set<core::Address>& addresses) {
    const Administration before = *shared_.wanted().administration;
    std::vector<netfilter::Change> changes;
    for (const core::Address& address : addresses) {
        changes.emplace_back(netfilter::Unfence{address});
    }
    if (auto kept = shared_.keeper.save(next); !kept) {
        return tl::unexpected(not_done(std::move(kept.error()), "nothing was lifted"));
    }
    if (auto lifted = shared_.helper.apply(changes); !lifted) {
        commits_.take_back(before, changes);
        return lifted;
    }
    for (const core::Address& address : addresses) {
        shared_.endings.note(before.fences.at(address), FenceEnd::lifted, order.who, order.why);
    }
    shared_.publish(std::move(next));
    for (const core::Address& address : addresses) {
        const FenceRecord& record = before.fences.at(address);
        shared_.log("unfence", {{"server", record.server},
                                {"pool", record.pool},
                                {"address", address.text()},
                                {"owner", view_owner(record)},
                                {"who", order.who},
                                {"why", order.why}});
    }
    if (auto told = proxy_sync_.administer(); !told) {
        core::Error error = std::move(told.error());
        error.what = "the fence is lifted, but the proxy sends no visitors there yet: " + error.what;
        return tl::unexpected(std::move(error));
    }
    return {};
}

// Under ControlState::changing.
Outcome<void> Unfences::lift(const UnfenceOrder& order, const std::set<core::Address>& addresses,
                             std::vector<std::string>& notes) {
    const Wanted now = shared_.wanted();
    Administration next = *now.administration;
    for (const core::Address& address : addresses) {
        const FenceRecord& record = now.administration->fences.at(address);
        if (order.rollout && record.rollout != order.rollout) {
            return refuse(409, {describe_fence(record), "a rollout lifts its own fences alone",
                                "lift that fence when it is no longer needed, then gatehouse deploy resume", 0});
        }
        if (!order.rollout && record.rollout) {
            notes.push_back(fmt::format("rollout {} held {}; if it is still under way, it pauses at its next step",
                                        *record.rollout, record.server.empty() ? address.text() : record.server));
        } else if (record.who != order.who && !order.rollout) {
            notes.push_back("lifted: " + describe_fence(record));
        }
        if (!record.others.empty() && record.others != order.who) {
            notes.push_back("it was ordered by " + record.others + " too");
        }
        next.fences.erase(address);
    }
    if (addresses.empty()) {
        return shared_.state_is_known("nothing was lifted");
    }
    if (auto done = commit_lift(std::move(next), order, addresses); !done) {
        return refuse(done.error());
    }
    return {};
}

Outcome<Unfences::Lifted> Unfences::lift_meant(const UnfenceOrder& order) {
    std::optional<Meant> meant;
    std::set<core::Address> quiet;  // where no command runs, and none begins
    std::optional<CommandLeases::Lift> no_commands;
    for (;;) {
        {
            const auto lock = shared_.lock_known();
            if (!lock) {
                return tl::unexpected(lock.error());
            }
            const Wanted now = shared_.wanted();
            if (!meant) {
                const auto found = find_fenced(*now.config, *now.administration, order.servers, order.pool);
                if (!found) {
                    return tl::unexpected(found.error());
                }
                meant.emplace();
                for (const core::Address& address : *found) {
                    meant->emplace(address, now.administration->fences.at(address).id);
                }
            }
            if (const FenceRecord* const other = replacement(*meant, *now.administration)) {
                return refuse(409, {"nothing was lifted: " + describe_fence(*other), "it was fenced again meanwhile",
                                    "repeat the command to lift that fence", 0});
            }
            auto places = places_of(*meant, *now.administration);
            if (order.rollout || order.replace ||
                std::includes(quiet.begin(), quiet.end(), places.begin(), places.end())) {
                Lifted lifted{places.size(), named_or_fenced(*now.config, *now.administration, order, places), {}};
                return lift(order, places, lifted.notes).map([&lifted] { return std::move(lifted); });
            }
            quiet = std::move(places);
            no_commands.emplace(shared_.leases, quiet);
        }
        // Without the lock: a command may take long, and other orders do not wait for it.
        if (!no_commands->await(command_wait)) {
            return refuse(504, {"nothing was lifted", "a rollout's command still runs there",
                                "wait for its end, end it with gatehouse deploy abort, or lift it at once with "
                                "--replace",
                                0});
        }
    }
}

Outcome<Json> Unfences::unfence(const UnfenceOrder& order) {
    const auto lifted = lift_meant(order);
    if (!lifted) {
        return tl::unexpected(lifted.error());
    }
    const auto passed = waits_.await_passed(lifted->targets, order.wait.value_or(core::Milliseconds{0}));
    if (order.wait && !passed) {
        return tl::unexpected(passed.error());
    }
    return Json{{"lifted", lifted->fences}, {"passed", passed.has_value()}, {"notes", lifted->notes}};
}

Outcome<void> Unfences::begin_command(std::int64_t rollout, const std::string& pool, const std::string& server) {
    const Wanted now = shared_.wanted();
    const auto targets = find_targets(*now.config, {server}, pool);
    if (!targets) {
        return tl::unexpected(targets.error());
    }
    const core::Address address = targets->front().address;
    if (!shared_.leases.begin({pool, server}, address)) {
        return refuse(409, {"the fence of " + server + " is being lifted by an operator", "", "", 0});
    }
    // After the lease: an order that lifts the fence waits for the command from here on.
    const Wanted after = shared_.wanted();
    const auto fence = after.administration->fences.find(address);
    if (fence == after.administration->fences.end() || fence->second.rollout != rollout) {
        shared_.leases.end({pool, server});
        return refuse(409,
                      {fence == after.administration->fences.end()
                           ? shared_.endings.find_last(address).value_or("the fence of " + server + " does not stand")
                           : describe_fence(fence->second),
                       "", "gatehouse deploy resume goes on when the server is free", 0});
    }
    return {};
}

void Unfences::end_command(const std::string& pool, const std::string& server) {
    shared_.leases.end({pool, server});
}

}  // namespace appliance::control

#include "tests/search/rules.hpp"

#include <fmt/format.h>

namespace tests::search {
namespace {

using Json = appliance::control::Control::Json;

constexpr core::Milliseconds early_max{1'000};
constexpr core::Milliseconds late_max{2'000};
// Between the last look at a fence and the answer.
constexpr core::Milliseconds look_max{100};

// Whether the order's fences have run out.
bool over(const Truth& truth, unsigned order) {
    const Deeds& own = truth.deeds.at(order);
    return own.lasts && core::BootClock::now() >= own.began + *own.lasts - early_max;
}

// Whether another order's deed, or the fence's own end, explains that it is away at some moment of [from, to].
bool explained(const Truth& truth, unsigned order, const std::string& server, Moment from, Moment to) {
    for (const auto& [number, each] : truth.deeds) {
        const bool about = each.servers.empty() ? each.deed == Deed::reload : each.servers.contains(server);
        const bool lifts = each.deed == Deed::fence || each.deed == Deed::unfence || each.deed == Deed::reload;
        if (number != order && about && lifts && each.begun <= to && each.ended >= from) {
            return true;
        }
    }
    return over(truth, order) || (truth.foreign >= from && truth.foreign <= to);
}

// The kernel in memory announces nothing to the fence process, which would put the fence back at once. So control does,
// when no order keeps it busy.
bool waits_for_control(const Truth& truth, const std::string& address, unsigned asking) {
    return truth.taken_out.contains(address) &&
           std::any_of(truth.deeds.begin(), truth.deeds.end(),
                       [asking](const auto& each) { return each.first != asking && each.second.ended == never; });
}

bool under_way(const Truth& truth, const std::string& server) {
    return std::any_of(truth.deeds.begin(), truth.deeds.end(), [&](const auto& each) {
        return each.second.ended == never && each.second.servers.contains(server);
    });
}

std::set<Moment> moments_of(Truth& truth, const std::string& address, Moment begin, Moment end) {
    std::set<Moment> all;
    truth.kernel[address].moments(begin, end, all);
    truth.rotation[address].moments(begin, end, all);
    truth.flying[address].moments(begin, end, all);
    truth.verdict[address].moments(begin, end, all);
    return all;
}

bool stands(Truth& truth, const std::string& address, const std::string& id, Moment at) {
    const auto seen = truth.kernel[address].at(at);
    return seen && seen->id == id && !truth.rotation[address].at(at);
}

// A reload moves a fence to its server's new address. Where that fails, the fence is away for a moment.
bool reloaded(const Truth& truth, Moment since) {
    return std::any_of(truth.deeds.begin(), truth.deeds.end(), [&](const auto& each) {
        return each.second.deed == Deed::reload && each.second.ended >= since;
    });
}

bool as_strict(Truth& truth, const std::string& address, const std::string& id, Moment begin, Wanted wanted) {
    const auto all = moments_of(truth, address, begin, truth.moment);
    return std::any_of(all.begin(), all.end(), [&](Moment at) {
        const auto seen = truth.kernel[address].at(at);
        return seen && seen->id == id && (!wanted.all || seen->scope == netfilter::Scope::all) &&
               (!wanted.endless || !seen->until);
    });
}

void judge_drained(Truth& truth, unsigned order, const std::string& address, const std::string& id, Moment complete,
                   bool drain) {
    // All of it was true at one moment of the order. Later changes belong to the next order.
    const std::string server = truth.places[address].second;
    for (const Moment at : moments_of(truth, address, complete, truth.moment)) {
        const auto seen = truth.kernel[address].at(at);
        const bool excused = truth.foreign >= complete || reloaded(truth, complete);
        if (drain && (!seen || seen->id != id) && !excused) {
            truth.accuse("drained means the fence stood until nothing was in flight",
                         fmt::format("o{} says so, and {} was {}", order, server,
                                     seen ? "fenced anew: " + seen->why : "open meanwhile"));
            return;
        }
        if (truth.flying[address].at(at) == 0) {
            return;
        }
    }
    truth.accuse("drained means nothing is in flight",
                 fmt::format("o{} says so, and {} are in flight on {}", order, truth.flying[address].now(), server));
}

void take_note(Truth& truth, unsigned order, const Place& place, const std::string& id) {
    Standing& standing = truth.standing[place];
    const Deeds& own = truth.deeds.at(order);
    standing = {order, id, own.crossed};
}

// An answer that the fence holds comes right after a look at it.
void judge_holds(Truth& truth, unsigned order) {
    const Moment begin = truth.deeds.at(order).begun;
    const auto own = [order](const std::optional<Seen>& seen) { return seen && order_in(seen->why) == order; };
    for (const auto& [address, place] : truth.places) {
        std::set<Moment> all;
        truth.kernel[address].moments(begin, truth.moment, all);
        // By id: its owner may have ordered it again, with another reason.
        std::set<std::string> ids;
        for (const Moment at : all) {
            if (const auto seen = truth.kernel[address].at(at); own(seen)) {
                ids.insert(seen->id);
            }
        }
        const auto now = truth.kernel[address].now();
        const bool gone = !ids.empty() && !(now && ids.contains(now->id));
        const bool late = core::BootClock::now() - truth.changed[address] <= look_max;
        // Another order may be under way. Or it was refused, and its changes are being undone.
        const bool others = std::any_of(truth.deeds.begin(), truth.deeds.end(), [&](const auto& each) {
            const Deeds& deed = each.second;
            return deed.number != order && deed.servers.contains(place.second) &&
                   (deed.ended == never || (deed.ended >= begin && truth.refused.contains(deed.number)));
        });
        const bool excused = others || truth.foreign >= begin || reloaded(truth, begin) || over(truth, order);
        if (gone && !late && !excused) {
            truth.accuse("a fence holds that is said to hold",
                         fmt::format("o{} says so, and {} is not fenced by it", order, place.second));
        }
    }
}

}  // namespace

void judge_fence(Truth& truth, unsigned order, Wanted wanted, const Answer& answer) {
    const Moment begin = truth.deeds.at(order).begun;
    truth.look_at_kernel(true);  // the kernel does not announce fences that have run out
    truth.step();
    if (!answer) {
        const std::string line = answer.error().error.line();
        const int status = answer.error().status;
        // 409: another order has ended the fence of one server; those of the others stand.
        if (status != 409) {
            truth.refused[order] = line;
        }
        const bool holds = line.find("the fence holds") != std::string::npos;
        if (holds) {
            judge_holds(truth, order);
        }
        if (status == 409 || holds) {
            // Its fence may have replaced another one for a while, as an owner's own order may.
            for (const auto& [address, place] : truth.places) {
                Standing& standing = truth.standing[place];
                standing.disputed = standing.disputed || truth.deeds.at(order).servers.contains(place.second);
            }
        }
        if (holds || status == 409 || truth.deeds.at(order).crossed) {
            for (const auto& [address, place] : truth.places) {
                const auto seen = truth.kernel[address].now();
                if (seen && order_in(seen->why) == order) {
                    take_note(truth, order, place, seen->id);
                }
            }
        }
        return;
    }
    for (const Json& fence : (*answer)["fences"]) {
        const std::string address = fence["address"];
        const std::string id = fence["id"];
        const Place place = truth.places[address];
        std::optional<Moment> complete;
        for (const Moment at : moments_of(truth, address, begin, truth.moment)) {
            if (!complete && stands(truth, address, id, at)) {
                complete = at;
            }
        }
        if (!complete && over(truth, order)) {
            truth.standing[place].disputed = true;  // its time was over before its turn came, in another's place
            continue;
        }
        if (!complete) {
            truth.accuse("fenced means in the kernel and out of rotation",
                         fmt::format("o{} says so, and {} was never both", order, place.second));
            return;
        }
        if (!stands(truth, address, id, truth.moment) &&
            !explained(truth, order, place.second, *complete, truth.moment)) {
            truth.accuse("fenced means in the kernel and out of rotation",
                         fmt::format("o{} says so, and {} is not any more", order, place.second));
        }
        if (!as_strict(truth, address, id, begin, wanted)) {
            truth.accuse("a fence is as strict as it was ordered",
                         fmt::format("o{} says so, and that of {} was never", order, place.second));
        }
        const Json& drained = (*answer)["drained"];
        if (drained.is_boolean() && drained.get<bool>()) {
            judge_drained(truth, order, address, id, *complete, wanted.drain);
        }
        take_note(truth, order, place, id);
    }
}

void judge_unfence(Truth& truth, unsigned order, const std::set<std::string>& addresses, bool wait,
                   const Answer& answer) {
    const Moment begin = truth.deeds.at(order).begun;
    truth.look_at_kernel(true);
    truth.step();
    if (!answer) {
        const std::string line = answer.error().error.line();
        truth.refused[order] = line;
        // Where it says that the fence is lifted, it is.
        if (line.find("is lifted") == std::string::npos) {
            for (const std::string& address : addresses) {
                // 409: one of its servers was fenced anew; the others are open.
                Standing& standing = truth.standing[truth.places[address]];
                standing.disputed = standing.disputed || answer.error().status == 409;
            }
            return;
        }
    }
    for (const std::string& address : addresses) {
        const Place place = truth.places[address];
        std::optional<Moment> open;
        bool passed = false;
        for (const Moment at : moments_of(truth, address, begin, truth.moment)) {
            open = !open && !truth.kernel[address].at(at) ? at : open;
            passed = passed || (open && truth.verdict[address].at(at));
        }
        if (!open) {
            truth.accuse("opened means not fenced in the kernel",
                         fmt::format("o{} says so, and {} was fenced all the time", order, place.second));
        } else if (answer && wait && !passed) {
            truth.accuse("passed means a check has passed since the fence was lifted",
                         fmt::format("o{} says so, and none has of {}", order, place.second));
        }
        truth.standing[place] = {0, "", truth.deeds.at(order).crossed};
    }
}

void judge_page(Truth& truth, unsigned order, const std::string& pool, bool on, bool proxy, const Answer& answer) {
    truth.step();
    if (!answer || !proxy) {
        return;
    }
    std::set<Moment> moments;
    truth.paged[pool].moments(truth.deeds.at(order).begun, truth.moment, moments);
    if (std::none_of(moments.begin(), moments.end(), [&](Moment at) { return truth.paged[pool].at(at) == on; })) {
        truth.accuse("maintenance means that the proxy shows the page",
                     fmt::format("o{} says that it is {} for {}", order, on ? "on" : "off", pool));
    }
}

void judge_status(Truth& truth, Moment begun, const Json& status) {
    truth.step();
    if (reloaded(truth, begun)) {
        return;  // control and the proxy may speak of two addresses
    }
    for (const Json& pool : status["pools"]) {
        for (const Json& backend : pool["backends"]) {
            if (!backend["active"].is_number() || !backend["address"].is_string()) {
                continue;
            }
            const std::string address = backend["address"];
            const auto said = backend["active"].get<std::uint64_t>();
            std::set<Moment> moments;
            truth.flying[address].moments(begun, truth.moment, moments);
            if (std::none_of(moments.begin(), moments.end(),
                             [&](Moment at) { return truth.flying[address].at(at) == said; })) {
                truth.accuse("a number in status is so", fmt::format("{} in flight on {}, and it says {}",
                                                                     truth.flying[address].now(), address, said));
            }
        }
    }
}

std::optional<std::string> find_lost(Truth& truth, const std::map<Place, std::string>& addresses,
                                     const std::optional<std::set<std::string>>& told, unsigned asking) {
    for (const auto& [place, standing] : truth.standing) {
        const auto at = addresses.find(place);
        if (standing.disputed || at == addresses.end() || under_way(truth, place.second) ||
            waits_for_control(truth, at->second, asking)) {
            continue;
        }
        const auto seen = truth.in_kernel(at->second);
        if (standing.order == 0) {
            if (seen && order_in(seen->why) != 0 && !truth.strays.contains(seen->id)) {
                return fmt::format("{} was opened, and is fenced: {}", place.second, seen->why);
            }
            continue;
        }
        const Deeds& own = truth.deeds.at(standing.order);
        if (own.lasts && core::BootClock::now() >= own.began + *own.lasts - late_max) {
            continue;
        }
        if (!seen || seen->id != standing.id) {
            return fmt::format("o{} of {} is not in the kernel", standing.order, place.second);
        }
        if (told && !told->contains(at->second)) {
            return fmt::format("the proxy does not know o{} of {}", standing.order, place.second);
        }
    }
    return std::nullopt;
}

void judge_refused(Truth& truth) {
    for (const auto& [address, place] : truth.places) {
        const auto seen = truth.in_kernel(address);
        const unsigned order = seen ? order_in(seen->why) : 0;
        const auto refused = truth.refused.find(order);
        if (refused == truth.refused.end()) {
            continue;
        }
        // An owner's own fence keeps its id. The refused order's reason stays in the kernel's note.
        const auto before = truth.kernel[address].at(truth.deeds.at(order).begun);
        if (before && before->id == seen->id) {
            continue;
        }
        const std::string& said = refused->second;
        if (said.find("hold") == std::string::npos && said.find("stand") == std::string::npos) {
            truth.accuse("an order that was refused has changed nothing, or says what stands",
                         fmt::format("o{} said '{}', and {} is fenced by it", order, said, place.second));
        }
    }
}

}  // namespace tests::search

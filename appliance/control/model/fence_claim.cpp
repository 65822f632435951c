#include "appliance/control/model/fence_claim.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace appliance::control {
namespace {

std::string server_of(const FenceRecord& fence) {
    return fence.server.empty() ? fence.address.text() : fence.server;
}

std::string owner_of(const FenceRecord& fence) {
    return fence.rollout ? fmt::format("rollout {}", *fence.rollout) : fence.who;
}

bool same_owner(const FenceRecord& left, const FenceRecord& right) {
    return left.rollout == right.rollout && (left.rollout || left.who == right.who);
}

// Whether the fence ends after the other one, or never.
bool outlasts(const FenceRecord& fence, const FenceRecord& other) {
    return !fence.until || (other.until && *fence.until >= *other.until);
}

bool covers(const FenceRecord& fence, const FenceRecord& other) {
    return fence.scope == netfilter::Scope::all || other.scope == netfilter::Scope::fresh;
}

// Whether list ("ann, bob") has the whole of that name.
bool has_name(const std::string& list, const std::string& name) {
    return (", " + list + ", ").find(", " + name + ", ") != std::string::npos;
}

std::string describe_end(const FenceRecord& fence) {
    return fence.until ? " until " + core::base::print_time(*fence.until) : " without end";
}

}  // namespace

void keep_stricter(FenceRecord& fence, const FenceRecord& other) {
    if (!outlasts(fence, other)) {
        fence.until = other.until;
        fence.lasts = other.lasts;
    }
    if (!covers(fence, other)) {
        fence.scope = other.scope;
    }
}

Outcome<Claim> claim(FenceRecord wanted, const FenceRecord& standing, bool replace) {
    // Fenced anew, it has been fenced since the first time.
    wanted.since = standing.since;
    if (wanted.rollout && !standing.rollout) {
        return refuse(409, {describe_fence(standing), "a rollout lifts and replaces its own fences alone",
                            "lift that fence when it is no longer needed, then gatehouse deploy resume", 0});
    }
    if (same_owner(wanted, standing)) {
        std::optional<std::string> note;
        if (!standing.others.empty() && !replace) {
            wanted.others = standing.others;
            keep_stricter(wanted, standing);
            note = fmt::format(
                "{} ordered the fence of {} too: what is stricter is kept,{}; --replace puts yours in its "
                "place",
                standing.others, server_of(standing), describe_end(wanted));
        } else if (wanted.rollout) {
            keep_stricter(wanted, standing);
        }
        if (outlasts(wanted, standing) && covers(wanted, standing) && wanted.mode == standing.mode) {
            wanted.id = standing.id;
        }
        return Claim{std::move(wanted), std::move(note)};
    }
    if (replace || wanted.rollout) {
        std::string note = fmt::format("{}; replaced by {}", describe_fence(standing), owner_of(wanted));
        return Claim{std::move(wanted), std::move(note)};
    }
    if (standing.rollout) {
        keep_stricter(wanted, standing);
        std::string note = fmt::format(
            "rollout {} held {}; the fence is {}'s now{}; if the rollout is still under way, it pauses at its next "
            "step",
            *standing.rollout, server_of(standing), wanted.who, describe_end(wanted));
        return Claim{std::move(wanted), std::move(note)};
    }
    FenceRecord kept = standing;
    keep_stricter(kept, wanted);
    if (!has_name(kept.others, wanted.who)) {
        kept.others += (kept.others.empty() ? "" : ", ") + wanted.who;
    }
    std::string note = fmt::format("{}; that fence is kept,{}; --replace puts yours in its place",
                                   describe_fence(standing), describe_end(kept));
    return Claim{std::move(kept), std::move(note)};
}

std::string describe_fence(const FenceRecord& fence) {
    return fmt::format("{} is fenced by {} since {}{}", server_of(fence), owner_of(fence),
                       core::base::print_time(fence.since), fence.why.empty() ? "" : ": " + fence.why);
}

nlohmann::ordered_json view_owner(const FenceRecord& fence) {
    if (fence.rollout) {
        return {{"kind", "rollout"}, {"rollout", *fence.rollout}};
    }
    return {{"kind", "operator"}};
}

}  // namespace appliance::control

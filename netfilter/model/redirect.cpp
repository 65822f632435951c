#include "netfilter/model/redirect.hpp"

#include <algorithm>
#include <cctype>
#include <set>

namespace netfilter {
namespace {

// Deals slots one by one to backends by weight, as evenly as possible (nginx's smooth weighted round robin).
class Dealer {
public:
    Dealer(std::span<const RedirectBackend> backends, std::vector<std::size_t> players)
        : backends_(backends), players_(std::move(players)), credit_(players_.size(), 0) {}

    std::int16_t deal() {
        std::int64_t sum = 0;
        std::size_t best = 0;
        for (std::size_t i = 0; i < players_.size(); ++i) {
            const std::int64_t weight = backends_[players_[i]].weight;
            credit_[i] += weight;
            sum += weight;
            best = credit_[i] > credit_[best] ? i : best;
        }
        credit_[best] -= sum;
        return static_cast<std::int16_t>(players_[best]);
    }

private:
    std::span<const RedirectBackend> backends_;
    std::vector<std::size_t> players_;
    std::vector<std::int64_t> credit_;
};

template <typename Is>
std::vector<std::size_t> those(std::span<const RedirectBackend> backends, Is is) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < backends.size(); ++i) {
        if (is(backends[i])) {
            found.push_back(i);
        }
    }
    return found;
}

bool good_name(const std::string& name) {
    return !name.empty() && name.size() <= Redirect::name_max &&
           std::all_of(name.begin(), name.end(), [](unsigned char c) {
               return c < 0x80 && (std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.');
           });
}

core::Result<void> validate(const Redirect& redirect) {
    if (!good_name(redirect.name)) {
        return core::fail("invalid redirect", "its name is not one that nftables takes");
    }
    if (redirect.listener.port() == 0 || redirect.backends.size() > Redirect::backends_max) {
        return core::fail("invalid redirect", redirect.name + " has no port or too many backends");
    }
    std::set<core::Address> seen;
    for (const auto& backend : redirect.backends) {
        if (backend.address.port() == 0 || backend.weight == 0 || !seen.insert(backend.address).second ||
            backend.address.family() != redirect.listener.family()) {
            return core::fail("invalid redirect",
                              backend.address.text() + " has no port or weight, or another family, or is there twice");
        }
    }
    return {};
}

}  // namespace

core::Result<void> validate(std::span<const Redirect> redirects) {
    std::set<std::string> names;
    std::set<core::Address> listeners;
    for (const auto& redirect : redirects) {
        if (auto valid = validate(redirect); !valid) {
            return valid;
        }
        if (!names.insert(redirect.name).second || !listeners.insert(redirect.listener).second) {
            return core::fail("invalid redirect", redirect.name + " is there twice");
        }
    }
    if (redirects.size() > redirects_max) {
        return core::fail("invalid redirect", "too many listeners");
    }
    return {};
}

Slots fill_slots(std::span<const RedirectBackend> backends) {
    Slots slots;
    slots.fill(nobody);
    auto tier = those(backends, [](const auto& each) { return !each.backup; });
    const bool any = std::any_of(tier.begin(), tier.end(), [&](std::size_t i) { return backends[i].eligible; });
    if (!any) {
        tier = those(backends, [](const auto& each) { return each.backup; });
    }
    const bool backups = !any;
    auto eligible = those(backends, [&](const auto& each) { return each.eligible && each.backup == backups; });
    if (eligible.empty()) {
        return slots;
    }
    Dealer homes(backends, std::move(tier));
    Dealer shares(backends, std::move(eligible));
    for (auto& slot : slots) {
        slot = homes.deal();
        if (!backends[static_cast<std::size_t>(slot)].eligible) {
            slot = shares.deal();
        }
    }
    return slots;
}

}  // namespace netfilter

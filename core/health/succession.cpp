#include "core/health/succession.hpp"

#include <map>

namespace core::health {
namespace {

using Kind = Inheritance::Kind;

bool same_names(const Target& left, const Target& right) {
    return left.pool == right.pool && left.server == right.server;
}

class Heirs {
public:
    Heirs(std::span<const Target> before, std::span<const Target> after)
        : before_(before), after_(after), claimed_(before.size(), false), found_(after.size()) {
        for (std::size_t at = 0; at < before.size(); ++at) {
            at_address_.emplace(before[at].address, at);
        }
    }

    std::vector<Inheritance> find() {
        each([this](std::size_t heir, std::size_t from) { keep(heir, from); });
        each([this](std::size_t heir, std::size_t from) { move(heir, from); });
        each([this](std::size_t heir, std::size_t from) { copy(heir, from); });
        each([this](std::size_t heir, std::size_t from) { carry_own(heir, from); });
        each([this](std::size_t heir, std::size_t from) { carry(heir, from); });
        return std::move(found_);
    }

private:
    // Calls step for each heir without an inheritance and each former target at its address.
    template <typename Step>
    void each(Step step) {
        for (std::size_t heir = 0; heir < after_.size(); ++heir) {
            const auto [first, last] = at_address_.equal_range(after_[heir].address);
            for (auto it = first; it != last && found_[heir].kind == Kind::none; ++it) {
                step(heir, it->second);
            }
        }
    }
    void keep(std::size_t heir, std::size_t from) {
        if (!claimed_[from] && before_[from] == after_[heir]) {
            claim(heir, from, Kind::kept);
        }
    }
    void move(std::size_t heir, std::size_t from) {
        if (!claimed_[from] && before_[from].check == after_[heir].check) {
            claim(heir, from, Kind::moved);
        }
    }
    void copy(std::size_t heir, std::size_t from) {
        if (before_[from].check == after_[heir].check) {
            found_[heir] = {Kind::copied, from};
        }
    }
    void carry_own(std::size_t heir, std::size_t from) {
        if (same_names(before_[from], after_[heir])) {
            found_[heir] = {Kind::carried, from};
        }
    }
    // A new pool beside one that stays inherits nothing: its check has never probed its servers.
    void carry(std::size_t heir, std::size_t from) {
        if (!claimed_[from]) {
            found_[heir] = {Kind::carried, from};
        }
    }
    void claim(std::size_t heir, std::size_t from, Kind kind) {
        claimed_[from] = true;
        found_[heir] = {kind, from};
    }

    std::span<const Target> before_;
    std::span<const Target> after_;
    std::vector<bool> claimed_;
    std::vector<Inheritance> found_;
    std::multimap<Address, std::size_t> at_address_;
};

}  // namespace

std::vector<Inheritance> inherit(std::span<const Target> before, std::span<const Target> after) {
    return Heirs(before, after).find();
}

}  // namespace core::health

#include "core/health/tally.hpp"

namespace core::health {

bool Tally::count(const Verdict& verdict, const Check& check, WallTime now) {
    ++(verdict.passed ? passed_ : failed_);
    const bool agrees = health_ == (verdict.passed ? Health::up : Health::down);
    row_ = agrees ? 0 : row_ + 1;
    const std::uint32_t needed = health_ == Health::unknown ? 1 : verdict.passed ? check.rise : check.fall;
    const bool changes = !agrees && row_ >= needed;
    // The failure that took it down stays the reason until enough checks have passed; "down: 200" would say nothing.
    if (changes || !verdict.passed || health_ != Health::down) {
        why_ = verdict.why;
    }
    carried_ = carried_ && !agrees && !changes;
    if (!changes) {
        return false;
    }
    health_ = verdict.passed ? Health::up : Health::down;
    since_ = now;
    row_ = 0;
    return true;
}

void Tally::miss(std::string why) {
    if (health_ == Health::unknown) {
        why_ = std::move(why);
    }
}

bool Tally::fail(std::string why, WallTime now) {
    if (health_ != Health::up) {
        return false;
    }
    health_ = Health::down;
    why_ = std::move(why);
    since_ = now;
    row_ = 0;
    carried_ = false;
    return true;
}

void Tally::carry() noexcept {
    row_ = 0;
    carried_ = health_ != Health::unknown;
}

void Tally::reset(std::string why, WallTime now) {
    health_ = Health::unknown;
    why_ = std::move(why);
    since_ = now;
    row_ = 0;
    carried_ = false;
}

}  // namespace core::health

#include "tests/torture/ledger.hpp"

#include <fmt/format.h>

namespace tests::torture {

void Ledger::run_for(std::chrono::milliseconds time) {
    const std::lock_guard lock(mutex_);
    reached_.clear();
    end_ = (Clock::now() + time).time_since_epoch().count();
}

bool Ledger::over() const {
    return failed_ || Clock::now().time_since_epoch().count() >= end_;
}

void Ledger::blame(const Plan& plan, const std::string& end, const std::string& wrong) {
    const std::lock_guard lock(mutex_);
    failures_.push_back(fmt::format("{}: {}\n{}", end, wrong, plan.text()));
    failed_ = failures_.size() >= 5;
}

std::vector<std::string> Ledger::failures() const {
    const std::lock_guard lock(mutex_);
    return failures_;
}

void Ledger::reached(std::uint64_t seed) {
    const std::lock_guard lock(mutex_);
    reached_.insert(seed);
}

bool Ledger::was_reached(std::uint64_t seed) {
    const std::lock_guard lock(mutex_);
    return reached_.erase(seed) != 0;
}

}  // namespace tests::torture

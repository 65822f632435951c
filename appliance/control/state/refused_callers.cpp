#include "appliance/control/state/refused_callers.hpp"

#include <nlohmann/json.hpp>

namespace appliance::control {

void RefusedCallers::note(const RefusedCaller& caller, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    end_period(now);
    const bool known = !caller.who.empty();
    RefusedCaller kind = caller;
    std::string key = (known ? caller.who : caller.from) + '\n' + caller.why;
    if (!kinds_.contains(key) && kinds_.size() >= kinds_max) {
        key.clear();
        kind = {"many", "many", "", "one of many reasons"};
    }
    const auto [counted, fresh] = kinds_.try_emplace(key);
    if (!fresh) {
        ++counted->second.more;
        return;
    }
    begun_ = kinds_.size() == 1 ? now : begun_;
    nlohmann::ordered_json request{{"times", 1}};
    if (!kind.asked.empty()) {
        request["asked"] = kind.asked;
    }
    AuditEntry entry;
    entry.time = core::base::wall_now();
    entry.who = kind.who.empty() ? "unknown" : kind.who;
    entry.from = kind.from;
    entry.what = AuditLog::refused;
    entry.request = request.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    entry.outcome = "refused: " + kind.why;
    counted->second.id = log_.refuse(entry).value_or(0);
}

void RefusedCallers::tick(Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    end_period(now);
}

// A count that the disk does not take is lost; the entry says that there was one at least.
void RefusedCallers::end_period(Clock::time_point now) {
    if (kinds_.empty() || now - begun_ < period) {
        return;
    }
    for (const auto& [key, counted] : kinds_) {
        if (counted.id != 0 && counted.more > 0) {
            static_cast<void>(log_.count(counted.id, counted.more));
        }
    }
    kinds_.clear();
}

}  // namespace appliance::control

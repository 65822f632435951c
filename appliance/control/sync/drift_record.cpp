#include "appliance/control/sync/drift_record.hpp"

#include <utility>

#include "core/base/clock.hpp"

namespace appliance::control {

DriftRecord::Json DriftRecord::note(Json event) {
    const std::lock_guard lock(mutex_);
    repairs_ += event["repaired"] == true ? 1 : 0;
    last_ = event;
    last_["time"] = core::base::print_time(core::base::wall_now());
    event["repairs"] = repairs_;
    return event;
}

std::optional<DriftRecord::Json> DriftRecord::settle() {
    const std::lock_guard lock(mutex_);
    if (!last_.contains("error")) {
        return std::nullopt;
    }
    last_.erase("error");
    last_["repaired"] = true;
    ++repairs_;
    Json event = last_;
    event.erase("time");
    event["repairs"] = repairs_;
    return event;
}

std::uint64_t DriftRecord::repairs() const {
    const std::lock_guard lock(mutex_);
    return repairs_;
}

DriftRecord::Json DriftRecord::last() const {
    const std::lock_guard lock(mutex_);
    return last_;
}

}  // namespace appliance::control

// DriftRecord: what another program changed in the kernel, and how often that was put right. Any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

namespace appliance::control {

class DriftRecord {
public:
    using Json = nlohmann::ordered_json;

    // event: {"what", "culprit", "pid", "repaired", "error"}; it is the last one from now on. Returns it with
    // "repairs".
    Json note(Json event);
    // What could not be put right at first has been now: the event that says so. Nothing where there is none such.
    std::optional<Json> settle();
    [[nodiscard]] std::uint64_t repairs() const;
    // The last one, with its "time"; null: there was none.
    [[nodiscard]] Json last() const;

private:
    mutable std::mutex mutex_;
    std::uint64_t repairs_ = 0;  // since this process started
    Json last_;
};

}  // namespace appliance::control

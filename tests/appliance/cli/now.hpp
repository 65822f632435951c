// The time at which these tests print and read command lines.
#pragma once

#include "core/base/duration.hpp"

namespace appliance::cli {

inline const core::WallTime now = *core::base::parse_time("2026-11-22T14:00:00Z");

}  // namespace appliance::cli

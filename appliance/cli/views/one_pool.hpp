// One pool of an answer that lists them all. Pure.
#pragma once

#include <optional>
#include <string>

#include "appliance/cli/terminal/view.hpp"
#include "core/base/result.hpp"

namespace appliance::cli {

// The answer with only that pool in "pools", and in "listeners" only what listens for it; all of it where pool is none.
// Error: there is no such pool; it names the nearest.
core::Result<Json> keep_pool(Json body, const std::optional<std::string>& pool);

}  // namespace appliance::cli

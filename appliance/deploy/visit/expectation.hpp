// What a verified answer has to be. Pure. PCRE2 stays behind expectation.cpp.
#pragma once

#include <string>

#include "appliance/config/model/recipe.hpp"
#include "appliance/deploy/visit/visit.hpp"
#include "core/base/result.hpp"

namespace appliance::deploy {

// Checks everything that the recipe expects; returns what was seen ("200, contains 'release 2.3'"). Error: the first
// difference. A body is checked up to body_max.
core::Result<std::string> judge(const config::Recipe& recipe, const Answer& answer);

// For a recipe without expectations: the status, if that is not 5xx. Error: the status.
core::Result<std::string> judge_answered(const Answer& answer);

// Checks the syntax of the recipe's expressions. Error: the first wrong one, and why.
core::Result<void> check_expectations(const config::Recipe& recipe);

}  // namespace appliance::deploy

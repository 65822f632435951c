// What a verified answer has to be. Pure. PCRE2 stays behind expectation.cpp.
#pragma once

#include <string>

#include "appliance/config/model/recipe.hpp"
#include "appliance/deploy/visit/visit.hpp"
#include "core/base/result.hpp"

namespace appliance::deploy {

// Everything that the recipe expects, and what of it was seen ("200, contains 'release 2.3'"); the error says the first
// thing that is not so. A body is looked at up to body_max.
core::Result<std::string> judge(const config::Recipe& recipe, const Answer& answer);

// What is enough of an answer where nothing of it is expected: its status, if that is not 5xx. Error: the status.
core::Result<std::string> judge_answered(const Answer& answer);

// Whether the recipe's expressions can be understood at all. Error: what is wrong with which.
core::Result<void> check_expectations(const config::Recipe& recipe);

}  // namespace appliance::deploy

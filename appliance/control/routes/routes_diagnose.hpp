// The routes for those who would want a shell: what the machine can reach, the end of its log, and all there is to know
// in one document.
#pragma once

#include "appliance/control/routes/routes.hpp"

namespace appliance::control {

// At most so many lines of the log.
inline constexpr std::uint64_t log_lines_max = 1'000;
inline constexpr std::uint64_t log_lines_usual = 100;

api::Reply diagnose_connect(const Call& call);
api::Reply diagnose_resolve(const Call& call);
api::Reply diagnose_ping(const Call& call);
api::Reply read_log(const Call& call);
api::Reply read_support(const Call& call);

}  // namespace appliance::control

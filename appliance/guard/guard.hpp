// Guards: whether something forbids a deploy now. All must agree; what is not known forbids (fail closed).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "appliance/config/model/guard.hpp"
#include "core/base/duration.hpp"

namespace appliance::guard {

// warned: shown, and forbids nothing. For on_meeting = "warn", or where BigBlueButton cannot answer about a future
// time.
enum class Verdict { allowed, warned, blocked, unknown };

std::string_view print(Verdict verdict) noexcept;

struct Opinion {
    std::string guard;
    config::GuardKind kind = config::GuardKind::windows;
    Verdict verdict = Verdict::unknown;
    std::string why;
    std::optional<core::WallTime> until;  // when it may be otherwise, where that is known
};

// Asks every guard, side by side, whether a deploy may run from `from` for length. Windows and schedules judge a time
// more than a minute ahead. BigBlueButton's answer is about now, so it is shown, and forbids nothing then. Blocks for
// the network at most for the longest guard's timeout. Reading takes bounded work. A guard that cannot be asked for
// want of time, memory or threads is unknown. In the order of the guards. Any thread.
std::vector<Opinion> ask(const std::vector<config::Guard>& guards, core::WallTime from, core::Milliseconds length,
                         core::WallTime now = core::base::wall_now());

// None is blocked or unknown.
bool agree(const std::vector<Opinion>& opinions);
// "all 3 guards agree", or each guard that does not, and why.
std::string summary(const std::vector<Opinion>& opinions);

inline constexpr std::chrono::days horizon{14};

struct Outlook {
    std::vector<Opinion> opinions;
    // `from` or the next full minute after it, within horizon, from which windows and schedules leave length free.
    // Nothing where there is none, or a schedule cannot be read. Meetings that are running are not asked for.
    std::optional<core::WallTime> next_free;
};

// As ask(), and when it is free next: each source is read once for both.
Outlook look(const std::vector<config::Guard>& guards, core::WallTime from, core::Milliseconds length,
             core::WallTime now = core::base::wall_now());

// A time for people: in the first zone other than UTC that a guard names, "2026-11-30 06:00 CET".
std::string print_local(const std::vector<config::Guard>& guards, core::WallTime time);

}  // namespace appliance::guard

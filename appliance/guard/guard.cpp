#include "appliance/guard/guard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <future>
#include <iterator>
#include <utility>

#include "appliance/config/text_file.hpp"
#include "appliance/config/url.hpp"
#include "appliance/guard/bigbluebutton.hpp"
#include "appliance/guard/calendar.hpp"
#include "appliance/guard/components.hpp"
#include "appliance/guard/fetch.hpp"

namespace appliance::guard {
namespace {

using config::Guard;
using namespace std::chrono_literals;

// A time that is further ahead is not of now: who meets then cannot be asked.
constexpr std::chrono::minutes of_now{1};

// Windows are of whole minutes.
core::WallTime next_minute(core::WallTime time) {
    return std::chrono::floor<std::chrono::minutes>(time) + 1min;
}

// Why the windows forbid this minute; empty: they do not.
std::string forbidden_at(const Guard& guard, const Zone& zone, core::WallTime time) {
    const LocalTime local = local_time(time, zone);
    const auto holds = [&local](const config::Window& window) { return window.holds(local.minute); };
    const auto falls = [&local](const config::Dates& dates) {
        return dates.from <= local.date && local.date <= dates.until;
    };
    if (std::any_of(guard.dates.begin(), guard.dates.end(), falls)) {
        return "a forbidden day";
    }
    if (std::any_of(guard.forbid.begin(), guard.forbid.end(), holds)) {
        return "a forbidden window";
    }
    const bool allowed = guard.allow.empty() || std::any_of(guard.allow.begin(), guard.allow.end(), holds);
    return allowed ? "" : "outside of the allowed windows";
}

Opinion ask_windows(const Guard& guard, core::WallTime from, core::Milliseconds length) {
    Opinion opinion{guard.name, guard.kind, Verdict::allowed, "the windows allow it", std::nullopt};
    const ZonePointer zone = system_zone_or_utc(guard.timezone);
    for (auto time = from; time == from || time < from + length; time = next_minute(time)) {
        if (const std::string why = forbidden_at(guard, *zone, time); !why.empty()) {
            opinion.verdict = Verdict::blocked;
            opinion.why = fmt::format("{} is {}", zone->print(std::chrono::floor<std::chrono::minutes>(time)), why);
            opinion.until = next_free({guard}, from, length);
            return opinion;
        }
    }
    return opinion;
}

core::Result<Fetched> read_source(const Guard& guard) {
    if (config::has_scheme(guard.source.url)) {
        return fetch(guard.source, {}, guard.timeout, guard.ca_file);
    }
    return config::read_text(guard.source.url, answer_max).map([](std::string text) {
        return Fetched{std::move(text), {}};
    });
}

struct Schedule {
    std::vector<Span> spans;
    std::string moved_to;
};

core::Result<Schedule> read_schedule(const Guard& guard, core::WallTime from, core::WallTime until) {
    return read_source(guard).and_then([&](Fetched fetched) {
        const std::string text = to_utf8(std::move(fetched.body));
        const auto first = text.find_first_not_of(" \t\r\n");
        auto spans = first != std::string::npos && text[first] == '['
                         ? read_meeting_list(text, from - guard.margin, until + guard.margin)
                         : read_calendar(text, from - guard.margin, until + guard.margin, guard.timezone);
        return spans.map([&](std::vector<Span> all) { return Schedule{std::move(all), std::move(fetched.moved_to)}; });
    });
}

Opinion ask_schedule(const Guard& guard, core::WallTime from, core::Milliseconds length) {
    Opinion opinion{guard.name, guard.kind, Verdict::allowed, "no meeting is scheduled", std::nullopt};
    const auto schedule = read_schedule(guard, from, from + length);
    if (!schedule) {
        opinion.verdict = Verdict::unknown;
        opinion.why = schedule.error().line();
        return opinion;
    }
    if (!schedule->spans.empty()) {
        const Span& next = schedule->spans.front();
        const ZonePointer zone = system_zone_or_utc(guard.timezone);
        opinion.verdict = Verdict::blocked;
        opinion.why = fmt::format("{} from {} to {}, {} before and after", next.why, zone->print(next.from),
                                  zone->print(next.until), core::base::print_duration(guard.margin));
        opinion.until = next.until + guard.margin;
    }
    opinion.why += schedule->moved_to.empty() ? "" : fmt::format(" (read from {})", schedule->moved_to);
    return opinion;
}

// What all servers of a guard say together.
struct Gathering {
    std::vector<std::string> found;
    std::vector<std::string> unknown;
};

Gathering gather_meetings(const Guard& guard) {
    Gathering all;
    for (const config::Site& site : guard.urls) {
        const auto meetings = fetch(site, meetings_query(guard.secret, guard.checksum), guard.timeout, guard.ca_file)
                                  .and_then([](const Fetched& fetched) { return read_meetings(fetched.body); });
        if (!meetings) {
            all.unknown.push_back(fmt::format("{}: {}", config::origin_of(site.url), meetings.error().line()));
            continue;
        }
        const std::size_t counted =
            meetings->running + (guard.empty == config::EmptyMeeting::count ? meetings->empty : 0);
        if (counted > 0) {
            all.found.push_back(fmt::format("{}: {} meeting{}, {} participant{}", config::origin_of(site.url), counted,
                                            counted == 1 ? "" : "s", meetings->participants,
                                            meetings->participants == 1 ? "" : "s"));
        }
    }
    return all;
}

// One that is not known is worse than one with a meeting, which is worse than one without. Of a time to come only this
// can be known: whether the servers could be asked at all.
Opinion ask_meetings(const Guard& guard, bool of_future) {
    Opinion opinion{guard.name, guard.kind, Verdict::allowed, "no meeting is running", std::nullopt};
    Gathering all = gather_meetings(guard);
    if (!all.unknown.empty()) {
        opinion.verdict = of_future ? Verdict::warned : Verdict::unknown;
    } else if (!all.found.empty() && !of_future) {
        opinion.verdict = guard.on_meeting == config::OnMeeting::warn ? Verdict::warned : Verdict::blocked;
    }
    std::move(all.unknown.begin(), all.unknown.end(), std::back_inserter(all.found));
    if (!all.found.empty()) {
        opinion.why = fmt::format("{}", fmt::join(all.found, "; "));
    }
    if (of_future) {
        opinion.why = "who meets then cannot be known, the deploy asks again; now: " + opinion.why;
    }
    return opinion;
}

Opinion ask_one(const Guard& guard, core::WallTime from, core::Milliseconds length, core::WallTime now) {
    switch (guard.kind) {
        case config::GuardKind::windows:
            return ask_windows(guard, from, length);
        case config::GuardKind::schedule:
            return ask_schedule(guard, from, length);
        case config::GuardKind::bigbluebutton:
            return ask_meetings(guard, from > now + of_now);
    }
    return {};
}

}  // namespace

std::string_view print(Verdict verdict) noexcept {
    constexpr std::array<std::string_view, 4> words{"allowed", "warned", "blocked", "unknown"};
    return words.at(static_cast<std::size_t>(verdict));
}

std::vector<Opinion> ask(const std::vector<Guard>& guards, core::WallTime from, core::Milliseconds length,
                         core::WallTime now) {
    std::vector<std::future<Opinion>> asked;
    for (const Guard& guard : guards) {
        asked.push_back(
            std::async(std::launch::async, [&guard, from, length, now] { return ask_one(guard, from, length, now); }));
    }
    std::vector<Opinion> opinions;
    std::transform(asked.begin(), asked.end(), std::back_inserter(opinions), [](auto& one) { return one.get(); });
    return opinions;
}

bool agree(const std::vector<Opinion>& opinions) {
    return std::none_of(opinions.begin(), opinions.end(), [](const Opinion& opinion) {
        return opinion.verdict == Verdict::blocked || opinion.verdict == Verdict::unknown;
    });
}

std::string summary(const std::vector<Opinion>& opinions) {
    std::vector<std::string> words;
    for (const Opinion& opinion : opinions) {
        if (opinion.verdict != Verdict::allowed) {
            words.push_back(fmt::format("{} {}: {}", opinion.guard, print(opinion.verdict), opinion.why));
        }
    }
    return !words.empty()         ? fmt::format("{}", fmt::join(words, "; "))
           : opinions.empty()     ? "no guard is configured"
           : opinions.size() == 1 ? opinions.front().guard + " agrees"
                                  : fmt::format("all {} guards agree", opinions.size());
}

std::optional<core::WallTime> next_free(const std::vector<Guard>& guards, core::WallTime from,
                                        core::Milliseconds length) {
    std::vector<Span> busy;
    std::vector<std::pair<const Guard*, ZonePointer>> windows;
    for (const Guard& guard : guards) {
        if (guard.kind == config::GuardKind::windows) {
            windows.emplace_back(&guard, system_zone_or_utc(guard.timezone));
        }
        if (guard.kind != config::GuardKind::schedule) {
            continue;
        }
        const auto schedule = read_schedule(guard, from, from + horizon);
        if (!schedule) {
            return std::nullopt;
        }
        std::transform(schedule->spans.begin(), schedule->spans.end(), std::back_inserter(busy), [&](const Span& span) {
            return Span{span.from - guard.margin, span.until + guard.margin, {}};
        });
    }
    const auto taken = [&](core::WallTime time, core::WallTime next) {
        return std::any_of(busy.begin(), busy.end(),
                           [&](const Span& span) { return span.from < next && time < span.until; }) ||
               std::any_of(windows.begin(), windows.end(), [&](const auto& window) {
                   return !forbidden_at(*window.first, *window.second, time).empty();
               });
    };
    auto begin = from;
    for (auto time = from; time < from + horizon;) {
        const auto next = next_minute(time);
        if (taken(time, next)) {
            begin = next;
        } else if (next - begin >= length) {
            return begin;
        }
        time = next;
    }
    return std::nullopt;
}

std::string print_local(const std::vector<Guard>& guards, core::WallTime time) {
    const auto local = std::find_if(guards.begin(), guards.end(), [](const Guard& guard) {
        return guard.kind != config::GuardKind::bigbluebutton && guard.timezone != "UTC";
    });
    const ZonePointer zone = system_zone_or_utc(local == guards.end() ? "UTC" : local->timezone);
    return zone->print(std::chrono::floor<std::chrono::seconds>(time));
}

}  // namespace appliance::guard

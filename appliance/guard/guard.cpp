#include "appliance/guard/guard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <iterator>
#include <mutex>
#include <new>
#include <system_error>
#include <utility>

#include "appliance/config/values/text_file.hpp"
#include "appliance/config/values/url.hpp"
#include "appliance/guard/bigbluebutton.hpp"
#include "appliance/guard/calendar/calendar.hpp"
#include "appliance/guard/calendar/components.hpp"
#include "appliance/guard/fetch.hpp"

namespace appliance::guard {
namespace {

using config::Guard;
using namespace std::chrono_literals;

// A time further ahead than this is in the future: BigBlueButton cannot tell who will meet then.
constexpr std::chrono::minutes of_now{1};

using Clock = std::chrono::steady_clock;

// In a thread of its own; where none can be made, in the thread that waits for the result.
constexpr auto async_or_here = std::launch::async | std::launch::deferred;

// How many servers of one guard are asked at the same time.
constexpr std::size_t sites_at_once = 16;

// What a guard is asked.
struct Question {
    core::WallTime from;
    core::Milliseconds length;
    core::WallTime now;
    bool ahead;  // also for horizon
    Clock::time_point begun;
};

struct Asked {
    Opinion opinion;
    std::optional<std::vector<Span>> busy;  // within horizon, with the margin; nothing: not asked, or not known
};

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

std::optional<core::WallTime> find_free(const std::vector<Guard>& guards, std::vector<Span> busy, core::WallTime from,
                                        core::Milliseconds length) {
    std::vector<std::pair<const Guard*, ZonePointer>> windows;
    for (const Guard& guard : guards) {
        if (guard.kind == config::GuardKind::windows) {
            windows.emplace_back(&guard, system_zone_or_utc(guard.timezone));
        }
    }
    // at only grows, so of the begun spans only the last end counts.
    std::sort(busy.begin(), busy.end(), [](const Span& a, const Span& b) { return a.from < b.from; });
    auto ahead = busy.begin();
    core::WallTime ends = from;
    const auto taken = [&](core::WallTime time, core::WallTime next) {
        for (; ahead != busy.end() && ahead->from < next; ++ahead) {
            ends = std::max<core::WallTime>(ends, ahead->until);
        }
        return ends > time || std::any_of(windows.begin(), windows.end(), [&](const auto& window) {
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

Opinion ask_windows(const Guard& guard, core::WallTime from, core::Milliseconds length) {
    Opinion opinion{guard.name, guard.kind, Verdict::allowed, "the windows allow it", std::nullopt};
    const ZonePointer zone = system_zone_or_utc(guard.timezone);
    for (auto time = from; time == from || time < from + length; time = next_minute(time)) {
        if (const std::string why = forbidden_at(guard, *zone, time); !why.empty()) {
            opinion.verdict = Verdict::blocked;
            opinion.why = fmt::format("{} is {}", zone->print(std::chrono::floor<std::chrono::minutes>(time)), why);
            opinion.until = find_free({guard}, {}, from, length);
            return opinion;
        }
    }
    return opinion;
}

core::Result<Fetched> read_source(const Guard& guard, Deadline deadline) {
    if (config::has_scheme(guard.source.url)) {
        return fetch(guard.source, {}, deadline, guard.ca_file);
    }
    return config::read_text(guard.source.url, answer_max).map([](std::string text) {
        return Fetched{std::move(text), {}, {}};
    });
}

core::Result<std::vector<Span>> read_meetings_between(const std::string& text, const Guard& guard, core::WallTime from,
                                                      core::WallTime until) {
    const auto first = text.find_first_not_of(" \t\r\n");
    return first != std::string::npos && text[first] == '['
               ? read_meeting_list(text, from - guard.margin, until + guard.margin)
               : read_calendar(text, from - guard.margin, until + guard.margin, guard.timezone);
}

void judge(Opinion& opinion, const Guard& guard, const core::Result<std::vector<Span>>& meetings) {
    if (!meetings) {
        opinion.verdict = Verdict::unknown;
        opinion.why = meetings.error().line();
    } else if (!meetings->empty()) {
        const Span& next = meetings->front();
        const ZonePointer zone = system_zone_or_utc(guard.timezone);
        opinion.verdict = Verdict::blocked;
        opinion.why = fmt::format("{} from {} to {}, {} before and after", next.why, zone->print(next.from),
                                  zone->print(next.until), core::base::print_duration(guard.margin));
        opinion.until = next.until + guard.margin;
    }
}

// One text is read at a time: reading takes a multiple of its memory, and up to some seconds of processor time.
std::timed_mutex& reading() {
    static std::timed_mutex mutex;
    return mutex;
}

Asked ask_schedule(const Guard& guard, const Question& question) {
    Asked asked{{guard.name, guard.kind, Verdict::allowed, "no meeting is scheduled", std::nullopt}, std::nullopt};
    const Deadline deadline = question.begun + guard.timeout;
    auto source = read_source(guard, deadline);
    const std::unique_lock<std::timed_mutex> turn(reading(), deadline);
    if (!source || !turn) {
        asked.opinion.verdict = Verdict::unknown;
        asked.opinion.why =
            source ? "other schedules were still being read when its time was over" : source.error().line();
        return asked;
    }
    const std::string text = to_utf8(std::move(source->body));
    // A moment has no length, and a meeting that begins with it would not lie within.
    const core::Milliseconds length = std::max<core::Milliseconds>(question.length, 1s);
    judge(asked.opinion, guard, read_meetings_between(text, guard, question.from, question.from + length));
    if (question.ahead) {
        if (auto all = read_meetings_between(text, guard, question.from, question.from + horizon)) {
            for (Span& span : *all) {
                span = {span.from - guard.margin, span.until + guard.margin, {}};
            }
            asked.busy = std::move(*all);
        }
    }
    asked.opinion.why += source->moved_to.empty() ? "" : fmt::format(" (read from {})", source->moved_to);
    return asked;
}

// What all servers of a guard say together.
struct Gathering {
    std::vector<std::string> found;
    std::vector<std::string> unknown;
};

// Asks all servers within the guard's one timeout; in the order of guard.urls.
std::vector<core::Result<Meetings>> ask_sites(const Guard& guard, Deadline deadline) {
    std::vector<core::Result<Meetings>> answers(guard.urls.size(), core::fail("not asked"));
    std::atomic<std::size_t> next = 0;
    const auto work = [&] {
        for (std::size_t at = next++; at < answers.size(); at = next++) {
            answers[at] = fetch(guard.urls[at], meetings_query(guard.secret, guard.checksum), deadline, guard.ca_file)
                              .and_then([](const Fetched& fetched) { return read_meetings(fetched.body); });
        }
    };
    std::vector<std::future<void>> workers;
    while (workers.size() < std::min(answers.size(), sites_at_once)) {
        workers.push_back(std::async(async_or_here, work));
    }
    for (std::future<void>& worker : workers) {
        worker.get();
    }
    return answers;
}

Gathering gather_meetings(const Guard& guard, Deadline deadline) {
    Gathering all;
    const auto answers = ask_sites(guard, deadline);
    for (std::size_t at = 0; at < answers.size(); ++at) {
        const auto& meetings = answers[at];
        const std::string origin = config::origin_of(guard.urls[at].url);
        if (!meetings) {
            all.unknown.push_back(fmt::format("{}: {}", origin, meetings.error().line()));
            continue;
        }
        const std::size_t counted =
            meetings->running + (guard.empty == config::EmptyMeeting::count ? meetings->empty : 0);
        if (counted > 0) {
            all.found.push_back(fmt::format("{}: {} meeting{}, {} participant{}", origin, counted,
                                            counted == 1 ? "" : "s", meetings->participants,
                                            meetings->participants == 1 ? "" : "s"));
        }
    }
    return all;
}

// The worst answer counts: unknown before a meeting, a meeting before none. For a future time it is only known whether
// the servers could be asked.
Opinion ask_meetings(const Guard& guard, bool of_future, Deadline deadline) {
    Opinion opinion{guard.name, guard.kind, Verdict::allowed, "no meeting is running", std::nullopt};
    Gathering all = gather_meetings(guard, deadline);
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

// The package tzdata may have gone since the configuration was read: what is local then is not known.
bool knows_zone(const Guard& guard) {
    return guard.timezone == "UTC" || system_zone(guard.timezone) != nullptr;
}

Asked ask_one(const Guard& guard, const Question& question) {
    if (!knows_zone(guard)) {
        return {
            {guard.name, guard.kind, Verdict::unknown,
             fmt::format("its time zone {} cannot be read; it is in the package tzdata", guard.timezone), std::nullopt},
            std::nullopt};
    }
    switch (guard.kind) {
        case config::GuardKind::windows:
            return {ask_windows(guard, question.from, question.length), std::nullopt};
        case config::GuardKind::schedule:
            return ask_schedule(guard, question);
        case config::GuardKind::bigbluebutton:
            return {ask_meetings(guard, question.from > question.now + of_now, question.begun + guard.timeout),
                    std::nullopt};
    }
    return {};
}

// Whether it has answered for the future as far as it can.
bool knows_ahead(const Asked& asked) {
    switch (asked.opinion.kind) {
        case config::GuardKind::windows:
            return asked.opinion.verdict != Verdict::unknown;
        case config::GuardKind::schedule:
            return asked.busy.has_value();
        case config::GuardKind::bigbluebutton:
            break;
    }
    return true;  // meetings of the future are unknown to it
}

// For want of memory or threads, too, a guard is unknown.
Asked ask_surely(const Guard& guard, const Question& question) {
    try {
        return ask_one(guard, question);
    } catch (const std::bad_alloc&) {
        return {{guard.name, guard.kind, Verdict::unknown, "there is no memory left to read it", std::nullopt},
                std::nullopt};
    } catch (const std::system_error& error) {
        return {
            {guard.name, guard.kind, Verdict::unknown, "it cannot be asked: " + error.code().message(), std::nullopt},
            std::nullopt};
    }
}

std::vector<Asked> ask_all(const std::vector<Guard>& guards, const Question& question) {
    std::vector<std::future<Asked>> asked;
    for (const Guard& guard : guards) {
        asked.push_back(std::async(async_or_here, [&guard, &question] { return ask_surely(guard, question); }));
    }
    std::vector<Asked> all;
    std::transform(asked.begin(), asked.end(), std::back_inserter(all), [](auto& one) { return one.get(); });
    return all;
}

}  // namespace

std::string_view print(Verdict verdict) noexcept {
    constexpr std::array<std::string_view, 4> words{"allowed", "warned", "blocked", "unknown"};
    return words.at(static_cast<std::size_t>(verdict));
}

std::vector<Opinion> ask(const std::vector<Guard>& guards, core::WallTime from, core::Milliseconds length,
                         core::WallTime now) {
    std::vector<Opinion> opinions;
    for (Asked& asked : ask_all(guards, {from, length, now, false, Clock::now()})) {
        opinions.push_back(std::move(asked.opinion));
    }
    return opinions;
}

Outlook look(const std::vector<Guard>& guards, core::WallTime from, core::Milliseconds length, core::WallTime now) {
    Outlook outlook;
    std::vector<Span> busy;
    bool known = true;
    for (Asked& asked : ask_all(guards, {from, length, now, true, Clock::now()})) {
        known = known && knows_ahead(asked);
        if (asked.busy) {
            busy.insert(busy.end(), asked.busy->begin(), asked.busy->end());
        }
        outlook.opinions.push_back(std::move(asked.opinion));
    }
    if (known) {
        outlook.next_free = find_free(guards, std::move(busy), from, length);
    }
    return outlook;
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

std::string print_local(const std::vector<Guard>& guards, core::WallTime time) {
    const auto local = std::find_if(guards.begin(), guards.end(), [](const Guard& guard) {
        return guard.kind != config::GuardKind::bigbluebutton && guard.timezone != "UTC";
    });
    const ZonePointer zone = system_zone_or_utc(local == guards.end() ? "UTC" : local->timezone);
    return zone->print(std::chrono::floor<std::chrono::seconds>(time));
}

}  // namespace appliance::guard

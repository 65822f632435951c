#include "appliance/guard/guard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <future>
#include <iterator>
#include <sstream>

#include "appliance/guard/bigbluebutton.hpp"
#include "appliance/guard/calendar.hpp"
#include "appliance/guard/fetch.hpp"

namespace appliance::guard {
namespace {

using config::Guard;
using namespace std::chrono_literals;

constexpr std::chrono::minutes step{1};

// Why the windows forbid this minute; empty: they do not.
std::string forbidden_at(const Guard& guard, core::WallTime time) {
    const LocalTime local = local_time(time, guard.timezone);
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
    for (auto time = from; time == from || time < from + length; time += step) {
        if (const std::string why = forbidden_at(guard, time); !why.empty()) {
            opinion.verdict = Verdict::blocked;
            opinion.why = fmt::format("{} is {}", core::base::print_time(time), why);
            opinion.until = next_free({guard}, from, length);
            return opinion;
        }
    }
    return opinion;
}

core::Result<std::string> read_source(const Guard& guard) {
    if (guard.source.starts_with("http://") || guard.source.starts_with("https://")) {
        return fetch(guard.source, guard.timeout, guard.ca_file);
    }
    std::ifstream file(guard.source, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file || text.str().size() > answer_max) {
        return core::fail("cannot read " + guard.source,
                          file ? "it is longer than 16 MiB" : "no such file, or no right to it");
    }
    return text.str();
}

core::Result<std::vector<Span>> read_schedule(const Guard& guard, core::WallTime from, core::WallTime until) {
    return read_source(guard).and_then([&](const std::string& text) {
        const auto first = text.find_first_not_of(" \t\r\n");
        return first != std::string::npos && text[first] == '['
                   ? read_meeting_list(text, from - guard.margin, until + guard.margin)
                   : read_calendar(text, from - guard.margin, until + guard.margin, guard.timezone);
    });
}

Opinion ask_schedule(const Guard& guard, core::WallTime from, core::Milliseconds length) {
    Opinion opinion{guard.name, guard.kind, Verdict::allowed, "no meeting is scheduled", std::nullopt};
    const auto spans = read_schedule(guard, from, from + length);
    if (!spans) {
        opinion.verdict = Verdict::unknown;
        opinion.why = spans.error().line();
    } else if (!spans->empty()) {
        const Span& next = spans->front();
        opinion.verdict = Verdict::blocked;
        opinion.why = fmt::format("{} from {} to {}, {} before and after", next.why, core::base::print_time(next.from),
                                  core::base::print_time(next.until), core::base::print_duration(guard.margin));
        opinion.until = next.until + guard.margin;
    }
    return opinion;
}

// One that is not known is worse than one with a meeting, which is worse than one without.
Opinion ask_meetings(const Guard& guard) {
    Opinion opinion{guard.name, guard.kind, Verdict::allowed, "no meeting is running", std::nullopt};
    std::vector<std::string> found;
    std::vector<std::string> unknown;
    for (const std::string& url : guard.urls) {
        const auto meetings = fetch(url + meetings_query(guard.secret, guard.checksum), guard.timeout, guard.ca_file)
                                  .and_then(read_meetings);
        if (!meetings) {
            unknown.push_back(fmt::format("{}: {}", url, meetings.error().line()));
            continue;
        }
        const std::size_t counted =
            meetings->running + (guard.empty == config::EmptyMeeting::count ? meetings->empty : 0);
        if (counted > 0) {
            found.push_back(fmt::format("{}: {} meeting{}, {} participant{}", url, counted, counted == 1 ? "" : "s",
                                        meetings->participants, meetings->participants == 1 ? "" : "s"));
        }
    }
    if (!unknown.empty()) {
        opinion.verdict = Verdict::unknown;
        opinion.why = fmt::format("{}", fmt::join(unknown, "; "));
    } else if (!found.empty()) {
        opinion.verdict = guard.on_meeting == config::OnMeeting::warn ? Verdict::warned : Verdict::blocked;
    }
    if (!found.empty()) {
        opinion.why =
            fmt::format("{}{}{}", fmt::join(found, "; "), unknown.empty() ? "" : "; ", fmt::join(unknown, "; "));
    }
    return opinion;
}

Opinion ask_one(const Guard& guard, core::WallTime from, core::Milliseconds length) {
    switch (guard.kind) {
        case config::GuardKind::windows:
            return ask_windows(guard, from, length);
        case config::GuardKind::schedule:
            return ask_schedule(guard, from, length);
        case config::GuardKind::bigbluebutton:
            return ask_meetings(guard);
    }
    return {};
}

}  // namespace

std::string_view print(Verdict verdict) noexcept {
    constexpr std::array<std::string_view, 4> words{"allowed", "warned", "blocked", "unknown"};
    return words.at(static_cast<std::size_t>(verdict));
}

std::vector<Opinion> ask(const std::vector<Guard>& guards, core::WallTime from, core::Milliseconds length) {
    std::vector<std::future<Opinion>> asked;
    for (const Guard& guard : guards) {
        asked.push_back(
            std::async(std::launch::async, [&guard, from, length] { return ask_one(guard, from, length); }));
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
    for (const Guard& guard : guards) {
        if (guard.kind != config::GuardKind::schedule) {
            continue;
        }
        auto spans = read_schedule(guard, from, from + horizon);
        if (!spans) {
            return std::nullopt;
        }
        for (Span& span : *spans) {
            busy.push_back({span.from - guard.margin, span.until + guard.margin, {}});
        }
    }
    const auto taken = [&](core::WallTime time) {
        return std::any_of(busy.begin(), busy.end(),
                           [&](const Span& span) { return span.from < time + step && time < span.until; }) ||
               std::any_of(guards.begin(), guards.end(), [&](const Guard& guard) {
                   return guard.kind == config::GuardKind::windows && !forbidden_at(guard, time).empty();
               });
    };
    auto begin = from;
    for (auto time = from; time < from + horizon; time += step) {
        const bool busy_now = taken(time);
        if (time - begin >= length && (time > begin || !busy_now)) {
            return begin;
        }
        begin = busy_now ? time + step : begin;
    }
    return std::nullopt;
}

}  // namespace appliance::guard

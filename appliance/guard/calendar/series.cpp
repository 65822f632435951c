#include "appliance/guard/calendar/series.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "appliance/guard/calendar/calendar.hpp"

namespace appliance::guard {
namespace {

using std::chrono::days;
using std::chrono::seconds;

core::WallTime wall(Instant time) {
    return core::WallTime(time);
}

// What an exception or a replacement names: an occurrence, or all of a day, where one of the two is a date.
struct Target {
    bool of_day = false;
    std::chrono::local_days day;  // in the zone of the meeting's beginning
    Instant instant;
};

Target target_of(const Moment& named, const Moment& start) {
    Target target{named.stamp.whole_day() || start.stamp.whole_day(), named.stamp.day(), named.instant()};
    if (named.stamp.kind == Stamp::Kind::utc && start.stamp.whole_day()) {
        target.day = std::chrono::floor<days>(start.zone->local(named.instant()));
    }
    return target;
}

class Layout {
public:
    Layout(const Series& series, const Stretch& stretch, Budget& budget, std::vector<Span>& spans)
        : meeting_(*series.meeting), zone_(*meeting_.start.zone), stretch_(stretch), budget_(budget), spans_(spans) {
        if (series.replacements != nullptr) {
            replacements_ = *series.replacements;
        }
    }

    core::Result<void> run() {
        if (meeting_.replaces) {
            return meeting_.silent ? core::Result<void>()
                                   : add(zone_, meeting_.start.stamp.local, meeting_.lasting, meeting_.summary);
        }
        if (!budget_.spend(replacements_.size())) {
            return too_long();
        }
        widen();
        collect_targets();
        std::set<Local> times{meeting_.start.stamp.local};
        for (const Rule& rule : meeting_.rules) {
            if (auto followed = follow_rule(rule, times); !followed) {
                return followed;
            }
        }
        std::set<Local> left_out;
        for (const Rule& rule : meeting_.left_out) {
            if (auto followed = follow_rule(rule, left_out); !followed) {
                return followed;
            }
        }
        for (const Local time : times) {
            if (left_out.contains(time)) {
                continue;
            }
            if (auto added = add_occurrence(zone_, time, meeting_.lasting); !added) {
                return added;
            }
        }
        return add_additions();
    }

private:
    // Occurrences that begin before the stretch may reach into it, and others may have been moved into it.
    void widen() {
        seconds moved{};
        seconds longest = longest_of(meeting_.lasting);
        for (const Meeting* one : replacements_) {
            if (one->range != Range::itself) {
                rulings_.push_back(one);
                const seconds by = one->start.instant() - one->replaces->instant();
                moved = std::max(moved, by < seconds::zero() ? -by : by);
                longest = std::max(longest, longest_of(one->lasting));
            }
        }
        constexpr days slack{2};
        from_ = Local((stretch_.from - longest - moved - slack).time_since_epoch());
        until_ = Local((stretch_.until + moved + slack).time_since_epoch());
    }

    static seconds longest_of(const Lasting& lasting) {
        return std::max({seconds(lasting.nominal.days) + lasting.nominal.time, lasting.exact, lasting.shown});
    }

    void collect_targets() {
        for (const Moment& exception : meeting_.exceptions) {
            aim(target_of(exception, meeting_.start));
        }
        for (const Meeting* one : replacements_) {
            aim(target_of(*one->replaces, meeting_.start));
        }
    }

    void aim(const Target& target) {
        if (target.of_day) {
            days_.insert(target.day);
        } else {
            instants_.insert(target.instant);
        }
    }

    // UNTIL is part of it. One that is a date is compared by the day, as is every one where the event is of days.
    [[nodiscard]] bool is_over(const Rule& rule, Local time) const {
        if (!rule.until) {
            return false;
        }
        const Stamp& until = *rule.until;
        const auto day = std::chrono::floor<days>(time);
        if (until.kind == Stamp::Kind::date) {
            return day > until.day();
        }
        if (meeting_.start.stamp.whole_day()) {
            // UNTIL in UTC does not say in which zone its day counts: the later day of the two.
            const Instant instant(until.local.time_since_epoch());
            const bool utc = until.kind == Stamp::Kind::utc;
            return day > std::max(until.day(), utc ? std::chrono::floor<days>(zone_.local(instant)) : until.day());
        }
        return until.kind == Stamp::Kind::utc ? zone_.instant(time).time_since_epoch() > until.local.time_since_epoch()
                                              : time > until.local;
    }

    // By RFC 5545 3.3.10 a local time that does not exist is ignored and not counted. We do not count it, which can
    // only add a meeting at the end. But we keep it, at the time of 3.3.5, because people do meet.
    core::Result<void> follow_rule(const Rule& rule, std::set<Local>& times) {
        std::uint64_t count = 0;
        const auto each = [&](Local time) {
            if (is_over(rule, time)) {
                return false;
            }
            if (time >= from_) {
                times.insert(time);
            }
            count += rule.count && (meeting_.start.stamp.whole_day() || zone_.exists(time)) ? 1 : 0;
            return times.size() <= meetings_max && (!rule.count || count < *rule.count);
        };
        const Followed followed =
            follow(rule, meeting_.start.stamp.local, meeting_.start.stamp.whole_day(), from_, until_, budget_, each);
        if (followed == Followed::too_long) {
            return too_long();
        }
        return check_count(times.size());
    }

    static core::Result<void> too_long() { return core::fail("its recurrences take too long to follow"); }

    core::Result<void> add_additions() {
        for (const Addition& addition : meeting_.additions) {
            const Lasting& lasting = addition.own ? *addition.own : meeting_.lasting;
            if (auto added = add_occurrence(*addition.begin.zone, addition.begin.stamp.local, lasting); !added) {
                return added;
            }
        }
        return {};
    }

    core::Result<void> add_occurrence(const Zone& zone, Local begin, const Lasting& lasting) {
        const Instant instant = zone.instant(begin);
        const Local named = zone_.local(instant);
        const auto day = std::chrono::floor<days>(&zone == &zone_ ? begin : named);
        if (days_.contains(day) || instants_.contains(instant)) {
            return {};
        }
        if (!budget_.spend(rulings_.size())) {
            return too_long();
        }
        if (const Meeting* ruling = ruling_over(instant, day)) {
            return add_shifted(*ruling, named);
        }
        return meeting_.silent ? core::Result<void>() : add(zone, begin, lasting, meeting_.summary);
    }

    // The replacement that changes this occurrence among others: the last one before it, or the first one after it.
    [[nodiscard]] const Meeting* ruling_over(Instant instant, std::chrono::local_days day) const {
        const Meeting* ruling = nullptr;
        for (const Meeting* one : rulings_) {
            const Target target = target_of(*one->replaces, meeting_.start);
            const bool later = target.of_day ? day > target.day : instant > target.instant;
            const bool fits = (one->range == Range::and_future && later) || (one->range == Range::and_prior && !later);
            const bool nearer = ruling == nullptr || (one->range == Range::and_future &&
                                                      one->replaces->instant() > ruling->replaces->instant());
            ruling = fits && nearer ? one : ruling;
        }
        return ruling;
    }

    // RFC 5545 3.8.4.4: by as much as the one that it names was moved.
    core::Result<void> add_shifted(const Meeting& ruling, Local named) {
        if (ruling.silent) {
            return {};
        }
        const Local from = ruling.replaces->stamp.whole_day() && !meeting_.start.stamp.whole_day()
                               ? ruling.replaces->stamp.local + (named - std::chrono::floor<days>(named))
                               : zone_.local(ruling.replaces->instant());
        return add(*ruling.start.zone, ruling.start.stamp.local + (named - from), ruling.lasting, ruling.summary);
    }

    core::Result<void> add(const Zone& zone, Local begin, const Lasting& lasting, const std::string& what) {
        const Instant from = zone.instant(begin);
        const Instant until = end_of(lasting, zone, begin);
        if (from < stretch_.until && until > stretch_.from) {
            spans_.push_back({wall(from), wall(until), what});
        }
        return check_count(spans_.size());
    }

    static core::Result<void> check_count(std::size_t count) {
        return count <= meetings_max ? core::Result<void>()
                                     : core::fail(fmt::format("there are more than {} occurrences", meetings_max));
    }

    const Meeting& meeting_;
    const Zone& zone_;
    std::vector<const Meeting*> replacements_;
    std::vector<const Meeting*> rulings_;  // those that change others, too
    const Stretch& stretch_;
    Budget& budget_;
    std::vector<Span>& spans_;
    Local from_;  // in which occurrences are looked for
    Local until_;
    std::set<std::chrono::local_days> days_;  // that are taken out
    std::set<Instant> instants_;
};

}  // namespace

core::Result<void> lay_out(const Series& series, const Stretch& stretch, Budget& budget, std::vector<Span>& spans) {
    return Layout(series, stretch, budget, spans).run();
}

}  // namespace appliance::guard

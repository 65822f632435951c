// Follows a rule, period by period (a year, a month, ...): the days that it picks, the times on each day, and of all
// these the positions. Nearly all parts of a rule are filters over the period's days. The first time gives what the
// rule leaves open.
#include <algorithm>
#include <cstdlib>

#include "appliance/guard/calendar/rule.hpp"

namespace appliance::guard {
namespace {

using std::chrono::days;
using std::chrono::local_days;
using std::chrono::seconds;
using std::chrono::weekday;
using std::chrono::year;
using std::chrono::year_month_day;
using Frequency = Rule::Frequency;

bool holds(const std::vector<int>& numbers, int number) {
    return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

// From the beginning or from the end, both counted from 1.
bool holds_either(const std::vector<int>& numbers, int from_begin, int from_end) {
    return holds(numbers, from_begin) || holds(numbers, -from_end);
}

int count_days(days length) {
    return static_cast<int>(length.count());
}

class Walk {
public:
    Walk(const Rule& rule, Local start, bool whole_days, Budget& budget)
        : rule_(rule), start_(start), first_(std::chrono::floor<days>(start)), date_(first_), budget_(budget) {
        fill_days();
        fill_times(whole_days);
    }

    Followed run(Local from, Local until, const std::function<bool(Local)>& each) {
        for (std::int64_t index = rule_.count ? 0 : skipped(from);; index += 1) {
            if (index > most_periods || begin_of(index) > until) {
                return Followed::to_the_end;
            }
            times_.clear();
            if (!budget_.spend() || !fill(index, times_)) {
                return Followed::too_long;
            }
            for (const Local time : pick(times_)) {
                if (time >= start_ && (time > until || !each(time))) {
                    return Followed::to_the_end;
                }
            }
        }
    }

private:
    static constexpr std::int64_t most_periods = 400'000'000'000;  // seconds of more than 10000 years

    // What the rule leaves open, as the first time has it.
    void fill_days() {
        const bool none = rule_.month_days.empty() && rule_.year_days.empty() && rule_.days.empty();
        months_ = rule_.months;
        month_days_ = rule_.month_days;
        days_ = rule_.days;
        if (!none || rule_.frequency > Frequency::weekly) {
            return;
        }
        if (rule_.frequency == Frequency::weekly || !rule_.weeks.empty()) {
            days_.push_back({0, weekday(first_)});
            return;
        }
        month_days_.push_back(static_cast<int>(static_cast<unsigned>(date_.day())));
        if (rule_.frequency == Frequency::yearly && months_.empty()) {
            months_.push_back(static_cast<int>(static_cast<unsigned>(date_.month())));
        }
    }

    void fill_times(bool whole_days) {
        const std::chrono::hh_mm_ss clock(start_ - first_);
        const auto or_own = [](const std::vector<int>& said, std::int64_t own) {
            std::vector<int> all = said.empty() ? std::vector<int>{static_cast<int>(own)} : said;
            std::sort(all.begin(), all.end());
            all.erase(std::unique(all.begin(), all.end()), all.end());
            return all;
        };
        const std::vector<int> none;
        hours_ = or_own(whole_days ? none : rule_.hours, clock.hours().count());
        minutes_ = or_own(whole_days ? none : rule_.minutes, clock.minutes().count());
        seconds_ = or_own(whole_days ? none : rule_.seconds, clock.seconds().count());
    }

    // The length of a period within the day or of whole days.
    [[nodiscard]] seconds unit() const {
        switch (rule_.frequency) {
            case Frequency::secondly:
                return seconds(1);
            case Frequency::minutely:
                return std::chrono::minutes(1);
            case Frequency::hourly:
                return std::chrono::hours(1);
            case Frequency::weekly:
                return days(7);
            case Frequency::yearly:
            case Frequency::monthly:
            case Frequency::daily:
                break;
        }
        return days(1);
    }

    // Where the period of the first time begins.
    [[nodiscard]] Local origin() const {
        if (rule_.frequency == Frequency::weekly) {
            return first_ - (weekday(first_) - rule_.week_start);
        }
        return Local(start_.time_since_epoch() - (start_ - first_) % unit());
    }

    [[nodiscard]] bool by_date() const {
        return rule_.frequency == Frequency::yearly || rule_.frequency == Frequency::monthly;
    }
    // Months since the year 0.
    [[nodiscard]] static std::int64_t month_number(year_month_day date) {
        return static_cast<std::int64_t>(static_cast<int>(date.year())) * 12 + static_cast<unsigned>(date.month()) - 1;
    }
    [[nodiscard]] std::int64_t months_between() const {
        return rule_.interval * std::int64_t{rule_.frequency == Frequency::yearly ? 12 : 1};
    }

    // Of the period of this index, from 0: its first month, counted from the year 0.
    [[nodiscard]] std::int64_t month_of(std::int64_t index) const {
        const std::int64_t first = rule_.frequency == Frequency::yearly
                                       ? std::int64_t{12} * static_cast<int>(date_.year())
                                       : month_number(date_);
        return first + std::min<std::int64_t>(index, last_month) * months_between();
    }
    static constexpr std::int64_t last_month = 240'000;  // of the year 20000

    static local_days month_begin(std::int64_t number) {
        constexpr std::int64_t most = 360'000;  // chrono's years end soon after
        const std::int64_t bounded = std::min(number, most);
        return local_days(year(static_cast<int>(bounded / 12)) /
                          std::chrono::month(static_cast<unsigned>(bounded % 12 + 1)) / 1);
    }

    [[nodiscard]] Local begin_of(std::int64_t index) const {
        return by_date() ? Local(month_begin(month_of(index))) : origin() + index * rule_.interval * unit();
    }

    // How many periods end before `from`.
    [[nodiscard]] std::int64_t skipped(Local from) const {
        if (from <= start_) {
            return 0;
        }
        if (by_date()) {
            const std::int64_t now = month_number(year_month_day(std::chrono::floor<days>(from)));
            return std::max<std::int64_t>((now - month_of(0)) / months_between() - 1, 0);
        }
        return std::max<std::int64_t>((from - origin()) / (unit() * rule_.interval) - 1, 0);
    }

    // All times of the period, in order. False: the budget is spent.
    bool fill(std::int64_t index, std::vector<Local>& times) {
        const Local begin = begin_of(index);
        if (rule_.within_day()) {
            const local_days day = std::chrono::floor<days>(begin);
            if (!judged_ || day != judged_day_) {
                judged_ = true;
                judged_day_ = day;
                judged_fit_ = budget_.spend() && fits(day);
            }
            return !judged_fit_ || fill_within(day, begin - day, times);
        }
        const local_days first = std::chrono::floor<days>(begin);
        if (!by_date()) {
            const int length = rule_.frequency == Frequency::weekly ? 7 : 1;
            return fill_from(first, first + days(length), times);
        }
        const int months = rule_.frequency == Frequency::yearly ? 12 : 1;
        for (int month = 0; month < months; ++month) {
            const std::int64_t number = month_of(index) + month;
            const bool wanted = months_.empty() || holds(months_, static_cast<int>(number % 12) + 1);
            if (wanted && !fill_from(month_begin(number), month_begin(number + 1), times)) {
                return false;
            }
        }
        return true;
    }

    bool fill_from(local_days begin, local_days end, std::vector<Local>& times) {
        for (local_days day = begin; day < end; day += days(1)) {
            if (!budget_.spend() || (fits(day) && !fill_day(day, times))) {
                return false;
            }
        }
        return true;
    }

    bool fill_day(local_days day, std::vector<Local>& times) {
        if (!budget_.spend(hours_.size() * minutes_.size() * seconds_.size())) {
            return false;
        }
        for (const int hour : hours_) {
            for (const int minute : minutes_) {
                for (const int second : seconds_) {
                    times.push_back(day + std::chrono::hours(hour) + std::chrono::minutes(minute) + seconds(second));
                }
            }
        }
        return true;
    }

    // From a period that is an hour, a minute or a second: larger parts of the rule are filters, smaller ones expand.
    bool fill_within(local_days day, seconds since, std::vector<Local>& times) {
        const std::chrono::hh_mm_ss clock(since);
        const int hour = static_cast<int>(clock.hours().count());
        const int minute = static_cast<int>(clock.minutes().count());
        const int second = static_cast<int>(clock.seconds().count());
        const bool minutely = rule_.frequency >= Frequency::minutely;
        const bool secondly = rule_.frequency == Frequency::secondly;
        if ((!rule_.hours.empty() && !holds(rule_.hours, hour)) ||
            (minutely && !rule_.minutes.empty() && !holds(rule_.minutes, minute)) ||
            (secondly && !rule_.seconds.empty() && !holds(rule_.seconds, second))) {
            return true;
        }
        hours_.assign(1, hour);
        if (minutely) {
            minutes_.assign(1, minute);
        }
        if (secondly) {
            seconds_.assign(1, second);
        }
        return fill_day(day, times);
    }

    [[nodiscard]] bool fits(local_days day) const {
        const year_month_day date(day);
        const local_days month_first(date.year() / date.month() / 1);
        const local_days month_last(date.year() / date.month() / std::chrono::last);
        const local_days year_first(date.year() / 1 / 1);
        const local_days year_last(date.year() / 12 / 31);
        const int from_begin = count_days(day - year_first) + 1;
        const int from_end = count_days(year_last - day) + 1;
        return (months_.empty() || holds(months_, static_cast<int>(static_cast<unsigned>(date.month())))) &&
               (month_days_.empty() ||
                holds_either(month_days_, count_days(day - month_first) + 1, count_days(month_last - day) + 1)) &&
               (rule_.year_days.empty() || holds_either(rule_.year_days, from_begin, from_end)) &&
               (rule_.weeks.empty() || in_week(day)) &&
               (days_.empty() || on_weekday(day, month_first, month_last, year_first, year_last));
    }

    // Week 1 is the first with four days in the year, by the day that weeks begin with.
    [[nodiscard]] bool in_week(local_days day) const {
        const local_days middle = day - (weekday(day) - rule_.week_start) + days(3);
        const year own = year_month_day(middle).year();
        const local_days last(own / 12 / 31);
        const local_days last_middle = last - (weekday(last) - (rule_.week_start + days(3)));
        const int number = count_days(middle - local_days(own / 1 / 1)) / 7 + 1;
        const int weeks = count_days(last_middle - local_days(own / 1 / 1)) / 7 + 1;
        return holds_either(rule_.weeks, number, weeks - number + 1);
    }

    // A number counts within the month where the rule is of months, else within the year; with weeks, or in shorter
    // periods, it has no meaning.
    [[nodiscard]] bool on_weekday(local_days day, local_days month_first, local_days month_last, local_days year_first,
                                  local_days year_last) const {
        const bool numbered = by_date() && rule_.weeks.empty();
        const bool monthly = rule_.frequency == Frequency::monthly || !rule_.months.empty();
        const int from_begin = count_days(day - (monthly ? month_first : year_first)) / 7 + 1;
        const int from_end = count_days((monthly ? month_last : year_last) - day) / 7 + 1;
        const weekday own(day);
        return std::any_of(days_.begin(), days_.end(), [&](const Rule::Day& wanted) {
            return wanted.weekday == own &&
                   (!numbered || wanted.number == 0 || wanted.number == from_begin || wanted.number == -from_end);
        });
    }

    // Of all times of a period those at the rule's positions.
    const std::vector<Local>& pick(const std::vector<Local>& times) {
        if (rule_.positions.empty()) {
            return times;
        }
        std::vector<Local>& picked = picked_;
        picked.clear();
        const auto size = static_cast<int>(times.size());
        for (int at = 0; at < size; ++at) {
            if (holds_either(rule_.positions, at + 1, size - at)) {
                picked.push_back(times[static_cast<std::size_t>(at)]);
            }
        }
        return picked;
    }

    const Rule& rule_;
    Local start_;
    local_days first_;
    year_month_day date_;
    Budget& budget_;
    std::vector<int> months_, month_days_, hours_, minutes_, seconds_;
    std::vector<Rule::Day> days_;
    std::vector<Local> times_, picked_;  // of the period at hand
    bool judged_ = false;                // whether the last day of a period within the day is known to fit
    bool judged_fit_ = false;
    local_days judged_day_;
};

}  // namespace

Followed follow(const Rule& rule, Local start, bool whole_days, Local from, Local until, Budget& budget,
                const std::function<bool(Local)>& each) {
    return Walk(rule, start, whole_days, budget).run(from, until, each);
}

}  // namespace appliance::guard

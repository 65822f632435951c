"""Makes random calendars from a seed, with a stretch of time for each. They have the features of real ones: zones, days
when the clocks change, all frequencies and parts of rules, COUNT and UNTIL. Also additions and exceptions,
replacements, whole days, Windows's names. Only what RFC 5545 allows: readers differ in what it forbids."""

import datetime
import random

ZONES = ["Europe/Berlin", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu",
         "Australia/Sydney", "Asia/Tokyo", "America/Sao_Paulo"]
WINDOWS = {"W. Europe Standard Time": "Europe/Berlin", "Eastern Standard Time": "America/New_York",
           "GMT Standard Time": "Europe/London", "India Standard Time": "Asia/Kolkata"}
# Zones that the calendar itself brings along, as Outlook writes them.
OWN = {"Own Berlin": "Europe/Berlin", "Own New York": "America/New_York"}
CHANGES = {"Own Berlin": [("STANDARD", "03", "10;BYDAY=-1SU", "+0200", "+0100"),
                          ("DAYLIGHT", "02", "3;BYDAY=-1SU", "+0100", "+0200")],
           "Own New York": [("STANDARD", "02", "11;BYDAY=1SU", "-0400", "-0500"),
                            ("DAYLIGHT", "02", "3;BYDAY=2SU", "-0500", "-0400")]}
# The zone that each name means.
NAMES = {**{name: name for name in ZONES}, **WINDOWS, **OWN}
# Days around which clocks change in one of the zones.
EDGES = [datetime.date(2026, 3, 8), datetime.date(2026, 3, 29), datetime.date(2026, 4, 5), datetime.date(2026, 10, 4),
         datetime.date(2026, 10, 25), datetime.date(2026, 11, 1)]
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


def day_text(day):
    return f"{day.year:04}{day.month:02}{day.day:02}"


def time_text(time):
    return day_text(time) + f"T{time.hour:02}{time.minute:02}{time.second:02}"


def own_zone(name):
    lines = ["BEGIN:VTIMEZONE", f"TZID:{name}"]
    for kind, hour, month, before, after in CHANGES[name]:
        lines += [f"BEGIN:{kind}", f"DTSTART:20070101T{hour}0000", f"RRULE:FREQ=YEARLY;BYMONTH={month}",
                  f"TZOFFSETFROM:{before}", f"TZOFFSETTO:{after}", f"TZNAME:{kind}", f"END:{kind}"]
    return lines + ["END:VTIMEZONE"]


class Event:
    """One with all that stands in place of its occurrences."""

    def __init__(self, chance, number, around):
        self.chance = chance
        self.uid = f"event-{number}"
        self.kind = chance.choices(["zoned", "windows", "own", "utc", "floating", "date"], [8, 2, 2, 3, 2, 4])[0]
        self.zone = {"zoned": lambda: chance.choice(ZONES), "windows": lambda: chance.choice(list(WINDOWS)),
                     "own": lambda: chance.choice(list(OWN)), "utc": lambda: "UTC"}.get(self.kind, lambda: None)()
        back = chance.choice([0, 0, 1, 2, 5, 10, 30, 100, 400])
        day = around - datetime.timedelta(days=chance.randint(0, back) if back else -chance.randint(0, 3))
        hour = chance.choice([0, 1, 1, 2, 2, 3, 8, 10, 14, 20, 23])
        self.start = datetime.datetime(day.year, day.month, day.day, hour, chance.choice([0, 0, 15, 30, 30, 59]))
        if self.kind == "date":
            self.start = self.start.replace(hour=0, minute=0)
        self.tags = {self.kind}

    def stamp(self, name, time, kind=None):
        kind = kind or self.kind
        if kind == "date":
            return f"{name};VALUE=DATE:{day_text(time)}"
        if kind == "utc":
            return f"{name}:{time_text(time)}Z"
        return f"{name}:{time_text(time)}" if kind == "floating" else f"{name};TZID={self.zone}:{time_text(time)}"

    def end(self, start):
        chance = self.chance
        if self.kind == "date":
            return chance.choice([[], [self.stamp("DTEND", start + datetime.timedelta(days=chance.randint(1, 3)))],
                                  [f"DURATION:P{chance.randint(1, 3)}D"]])
        minutes = chance.choice([15, 30, 60, 60, 90, 180, 480, 1500])
        if chance.random() < 0.4:
            return [f"DURATION:PT{minutes}M"]
        if chance.random() < 0.1:
            return []
        return [self.stamp("DTEND", start + datetime.timedelta(minutes=minutes))]

    def several(self, values, most):
        return ",".join(str(value) for value in
                        sorted(self.chance.sample(values, self.chance.randint(1, min(most, len(values))))))

    def rule(self):
        chance = self.chance
        weights = [2, 3, 6, 6] + ([0, 0, 0] if self.kind == "date" else [1, 0.5, 0.25])
        frequency = chance.choices(["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"],
                                   weights)[0]
        least = {"HOURLY": 2, "MINUTELY": 45, "SECONDLY": 2700}.get(frequency, 1)
        interval = least * chance.choice([1, 1, 1, 2, 3])
        parts = [f"FREQ={frequency}"] + ([f"INTERVAL={interval}"] if interval > 1 else [])
        parts += self.day_parts(frequency)
        self.tags.add(frequency)
        if self.kind != "date" and frequency in ("WEEKLY", "DAILY", "MONTHLY") and chance.random() < 0.15:
            parts.append("BYHOUR=" + self.several([1, 2, 9, 12, 16], 2))
            self.tags.add("BYHOUR")
        if self.kind != "date" and frequency in ("DAILY", "HOURLY") and chance.random() < 0.15:
            parts.append("BYMINUTE=" + self.several([0, 15, 30, 45], 3))
            self.tags.add("BYMINUTE")
        limit = chance.random()
        if limit < 0.35:
            parts.append(f"COUNT={chance.choice([1, 2, 3, 5, 10, 30])}")
            self.tags.add("COUNT")
        elif limit < 0.7:
            parts.append("UNTIL=" + self.until())
            self.tags.add("UNTIL")
        chance.shuffle(parts[1:])
        return "RRULE:" + ";".join(parts)

    def day_parts(self, frequency):
        chance = self.chance
        some = self.several
        if frequency == "WEEKLY":
            parts = [[], ["BYDAY=" + some(DAYS, 3)], ["BYDAY=" + some(DAYS, 4), "WKST=SU"]]
        elif frequency == "MONTHLY":
            numbered = [f"{number}{day}" for number in (1, 2, 3, -1, -2) for day in DAYS]
            parts = [[], ["BYMONTHDAY=" + some([1, 5, 10, 28, 29, 30, 31, -1, -3], 3)], ["BYDAY=" + some(numbered, 2)],
                     ["BYDAY=MO,TU,WE,TH,FR", f"BYSETPOS={chance.choice([1, -1, 2])}"],
                     ["BYDAY=" + some(DAYS, 2), "BYMONTHDAY=1,2,3,4,5,6,7"]]
        elif frequency == "YEARLY":
            numbered = [f"{number}{day}" for number in (1, 2, -1) for day in DAYS]
            week = datetime.date(2026, self.start.month, 15).isocalendar()[1]
            parts = [[], ["BYMONTH=" + some([self.start.month, 3, 10, 11], 3)],
                     ["BYMONTH=" + some([3, 10, 11], 2), "BYDAY=" + some(numbered, 2)],
                     ["BYYEARDAY=" + some([60, 67, 88, 100, 298, 305, -60, -68], 4)],
                     ["BYWEEKNO=" + some([10, 13, 40, 43, 44, week], 3), "BYDAY=" + some(DAYS, 2)]]
        else:
            parts = [[], [], [f"BYMONTH={self.start.month},11,3,10"], ["BYDAY=" + some(DAYS, 4)]]
        chosen = chance.choice(parts)
        for part in chosen:
            self.tags.add(part.partition("=")[0])
        return chosen

    def until(self):
        chance = self.chance
        later = self.start + datetime.timedelta(days=chance.choice([0, 1, 3, 7, 14, 60, 400]))
        if self.kind == "date" or chance.random() < 0.3:
            self.tags.add("UNTIL-DATE")
            return day_text(later)
        if self.kind == "floating":
            return time_text(later)
        return time_text(later + datetime.timedelta(hours=chance.choice([-1, 0, 5, 12]))) + "Z"

    def text(self):
        chance = self.chance
        lines = [self.stamp("DTSTART", self.start)] + self.end(self.start)
        others = []
        if chance.random() < 0.8:
            lines.append(self.rule())
            day = datetime.timedelta(days=1)
            if chance.random() < 0.25:
                lines.append(self.stamp("EXDATE", self.start + chance.randint(1, 7) * day))
                self.tags.add("EXDATE")
            if chance.random() < 0.15:
                named = self.start + chance.randint(1, 7) * day
                moved = named + datetime.timedelta(days=chance.choice([0, 0, 1, -1]),
                                                   hours=0 if self.kind == "date" else chance.choice([0, 2, -3]))
                others.append([self.stamp("RECURRENCE-ID", named), self.stamp("DTSTART", moved)] + self.end(moved) +
                              chance.choice([[], [], [], ["STATUS:CANCELLED"]]))
                self.tags.add("RECURRENCE-ID")
        if chance.random() < 0.15:
            lines.append(self.stamp("RDATE", self.start + datetime.timedelta(
                days=chance.randint(1, 9), hours=0 if self.kind == "date" else chance.choice([0, 1, 5]))))
            self.tags.add("RDATE")
        chance.shuffle(lines)
        blocks = [lines] + others
        return [line for block in blocks
                for line in ["BEGIN:VEVENT", f"UID:{self.uid}", "DTSTAMP:20260101T000000Z", "SUMMARY:Meeting"] + block +
                ["END:VEVENT"]]


def make(seed, number):
    """{"text", "from", "until" (seconds of the epoch), "zone", "tags"}; the same for the same two numbers."""
    chance = random.Random(f"{seed}/{number}")
    edge = chance.random() < 0.6
    around = chance.choice(EDGES) if edge else datetime.date(2026, 1, 1) + datetime.timedelta(chance.randint(0, 364))
    events = [Event(chance, at, around) for at in range(chance.choice([1, 1, 1, 2]))]
    lines = [line for name in sorted({event.zone for event in events} & set(OWN)) for line in own_zone(name)]
    lines += [line for event in events for line in event.text()]
    begin = datetime.datetime(around.year, around.month, around.day, tzinfo=datetime.timezone.utc)
    begin += datetime.timedelta(days=chance.randint(-2, 1), hours=chance.randint(0, 23))
    length = datetime.timedelta(hours=chance.choice([1, 6, 24, 72, 240]))
    return {"text": "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Gatehouse//corpus//EN"] + lines +
                                ["END:VCALENDAR", ""]),
            "from": int(begin.timestamp()), "until": int((begin + length).timestamp()),
            "zone": chance.choice(["UTC", "Europe/Berlin", "America/New_York"]),
            "tags": sorted(set().union(*(event.tags for event in events)))}

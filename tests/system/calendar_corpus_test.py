"""Compares our guard with two other readers on thousands of random calendars from a seed: python3-recurring-ical-events
(over dateutil) and ical.js. We may miss no meeting of theirs, and call nothing free that one of them calls busy. Every
other difference must have a reason below.

    GATEHOUSE_CORPUS_SEED=7 GATEHOUSE_CORPUS_COUNT=20000 python3 tests/system/calendar_corpus_test.py
"""

import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import unittest
import zoneinfo

SUPPORT = pathlib.Path(__file__).resolve().parents[1] / "support"
BUILD = pathlib.Path(os.environ.get("GATEHOUSE_BUILD", "build")).resolve()
SKIPPED = 77  # what ctest takes for "not tested"
ICAL_JS = "ical.js@2.2.1"
SEED = os.environ.get("GATEHOUSE_CORPUS_SEED", "2026")
COUNT = int(os.environ.get("GATEHOUSE_CORPUS_COUNT", "2500"))
UTC = datetime.timezone.utc

sys.path.insert(0, str(SUPPORT))
import calendar_generator  # noqa: E402


def skip(why):
    print(f"SKIPPED: {why}", flush=True)
    sys.exit(SKIPPED)


def install_ical_js():
    """The folder of ical.js, which npm puts into the build folder."""
    folder = BUILD / "ical_js"
    package = folder / "node_modules" / "ical.js"
    if not shutil.which("node") or not shutil.which("npm"):
        skip("the other reader of calendars, ical.js, needs node and npm")
    if not (package / "dist" / "ical.js").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), ICAL_JS]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            skip(f"npm could not get {ICAL_JS}: {(done.stderr.strip().splitlines() or ['no reason'])[-1]}")
    return package


def clock(zone, at):
    return datetime.datetime.fromtimestamp(at, UTC).astimezone(zone).utcoffset()


def changes(zone, begin, end):
    """When its clock changes: [(instant, offset before, offset after)]."""
    found, day = [], 86400
    for at in range(begin, end, day):
        low, high = at, at + day
        if clock(zone, low) == clock(zone, high):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if clock(zone, middle) == clock(zone, at) else (low, middle)
        found.append((high, clock(zone, low), clock(zone, high)))
    return found


def offset_text(offset):
    minutes = int(offset.total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


def vtimezone(name, zone):
    """For ical.js, which has no zones of its own."""
    begin, end = (int(datetime.datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2018, 2032))
    lines = ["BEGIN:VCALENDAR", "BEGIN:VTIMEZONE", f"TZID:{name}"]
    for at, before, after in [(begin, clock(zone, begin), clock(zone, begin))] + changes(zone, begin, end):
        local = datetime.datetime.fromtimestamp(at, UTC) + before
        lines += ["BEGIN:STANDARD", f"DTSTART:{local:%Y%m%dT%H%M%S}", f"TZOFFSETFROM:{offset_text(before)}",
                  f"TZOFFSETTO:{offset_text(after)}", "END:STANDARD"]
    return "\r\n".join(lines + ["END:VTIMEZONE", "END:VCALENDAR", ""])


def answers(command, corpus):
    begun = time.monotonic()
    done = subprocess.run(command, input=json.dumps(corpus), capture_output=True, text=True, timeout=200, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stderr[-2000:]}")
    print(f"{command[-1]}: {time.monotonic() - begun:.1f} s", flush=True)
    return json.loads(done.stdout)


# Reasons why a reader and we may differ, each with its test. Any other difference is our fault.

def local(zone, instant):
    return datetime.datetime.fromtimestamp(instant, UTC).astimezone(zone).replace(tzinfo=None, fold=0)


def is_second_of_two(case, reader, at):
    """RFC 5545 3.3.5: of a local time that exists twice the first is meant. dateutil takes the second, and ical.js
    often."""
    return any(local(zone, at) == local(zone, at + by) for by in (-3600, -1800, 1800, 3600) for zone in case.zones)


def is_in_gap(case, reader, at):
    """RFC 5545 3.3.5: a local time that does not exist has the offset before the gap. ical.js takes the one after it,
    and dateutil at times."""
    return any(local(zone, at + by) - local(zone, at + by - back) > datetime.timedelta(seconds=back)
               for back in (1800, 3600) for by in (0, back) for zone in case.zones)


def is_other_end(case, reader, at):
    """On days when the clocks change, DTEND may mean elapsed time or the clock's time; we take the later one. dateutil
    and ical.js add elapsed time to the clock's, which is an hour off. They take the second of two hours for DTEND."""
    return case.near_change(at) or any(case.near_change(literal) for literal in case.literals)


def is_week_number(case, reader, at):
    """ical.js counts weeks from the wrong one in years that begin on a Thursday or later, as 2026 does; we and dateutil
    have the weeks of ISO 8601."""
    return reader == "ical.js" and "BYWEEKNO" in case.tags


def is_unpicked_day(case, reader, at):
    """ical.js has the first day with the rule's hours and minutes, also where the rule does not pick it."""
    return reader == "ical.js" and case.tags & {"BYHOUR", "BYMINUTE"} and at not in case.theirs["python"] and \
        any(f"DTSTART;TZID={name}:{text}T" in case.text or f"DTSTART:{text}T" in case.text
            for text in case.texts(at) for name in calendar_generator.NAMES)


def is_monthly_mix(case, reader, at):
    """ical.js has wrong days in the first month of rules with MONTHLY, BYDAY, and BYHOUR or BYSETPOS (a 1st of July for
    BYDAY=-2TH)."""
    return reader == "ical.js" and {"MONTHLY", "BYDAY"} <= case.tags and case.tags & {"BYHOUR", "BYSETPOS"} and \
        at not in case.theirs["python"]


def is_excepted_addition(case, reader, at):
    """RFC 5545 3.8.5.1: EXDATE takes out what RDATE has added, too. ical.js leaves it in."""
    return reader == "ical.js" and {"RDATE", "EXDATE"} <= case.tags and at not in case.theirs["python"]


def is_unpicked_start(case, reader, at):
    """RFC 5545 3.8.5.3: DTSTART counts as the first, also where the rule does not pick it. ical.js leaves it out,
    dateutil where UNTIL is before it."""
    return (reader == "ical.js" or "UNTIL" in case.tags) and any(f":{text}" in case.text for text in case.texts(at))


def is_named(case, at):
    """A RECURRENCE-ID names this occurrence."""
    return any(line.startswith("RECURRENCE-ID") and line.rstrip("Z").endswith(text)
               for line in case.text.splitlines() for text in case.texts(at))


def is_replaced(case, reader, at):
    """Python's reader keeps an occurrence if its replacement begins together with another one."""
    return reader == "python" and at not in case.theirs["ical.js"] and is_named(case, at)


def is_replaced_in_place(case, reader, at):
    """In rules within the day, Python's reader keeps an occurrence with its length if its replacement begins at the
    same time."""
    return reader == "python" and case.tags & {"HOURLY", "MINUTELY", "SECONDLY"} and is_named(case, at)


def is_not_counted(case, reader, at):
    """For COUNT we count only sure occurrences: no missing local time (RFC 5545 3.3.10), no DTSTART outside the rule.
    So our rules may reach further."""
    return "COUNT" in case.tags


def is_of_last_day(case, reader, at):
    """RFC 5545 3.3.10 wants UNTIL to be a date only where DTSTART is one. Authors who write it elsewhere mean the
    meetings of that day too; both readers end at its midnight."""
    return "UNTIL-DATE" in case.tags


def is_replacement_of_nothing(case, reader, at):
    """A RECURRENCE-ID that names no occurrence: people meet when that event says. Python's reader leaves it out."""
    return reader == "python" and "RECURRENCE-ID" in case.tags and \
        any(f":{text}" in case.text for text in case.texts(at))


def is_had_by_other(case, reader, at):
    """The other reader has it as well."""
    return at in case.theirs["python" if reader == "ical.js" else "ical.js"]


def is_at_edge(case, reader, at):
    """It ends near the beginning of the range, an hour earlier for the reader than for us (is_other_end)."""
    ends = [span[1] for span in case.spans if span[0] == at]
    return min(ends) - case.asked["from"] <= 7200 and is_other_end(case, reader, min(ends))


# Of what another reader has and we have not, and of what we have and it has not.
MISSED = [is_second_of_two, is_in_gap, is_week_number, is_unpicked_day, is_monthly_mix, is_excepted_addition,
          is_replaced]
# Calendars that a reader refuses: DTSTART in a gap, and DTEND behind it.
REFUSED = "AssertionError: the event must start before it ends"
EXTRA = [is_had_by_other, is_at_edge, is_week_number, is_unpicked_start, is_replacement_of_nothing, is_second_of_two,
         is_in_gap, is_of_last_day, is_not_counted]


class Case:
    """A question, our answer, and the facts that explain other answers."""

    def __init__(self, asked, ours):
        self.asked = asked
        self.text = asked["text"]
        self.tags = set(asked["tags"])
        self.theirs = {}
        self.spans = [tuple(span) for span in ours]
        self.ours = {span[0] for span in ours}
        names = [zone for name, zone in calendar_generator.NAMES.items() if name in self.text]
        self.zones = [zoneinfo.ZoneInfo(name) for name in dict.fromkeys([asked["zone"], *names])]

    @property
    def literals(self):
        """The days that stand in the text, as instants."""
        return [int(datetime.datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).timestamp())
                for text in re.findall(r"[:=](\d{8})", self.text)]

    def near_change(self, at):
        return any(clock(zone, at - 2 * 86400) != clock(zone, at + 2 * 86400) for zone in self.zones)

    def texts(self, at):
        for zone in [*self.zones, UTC]:
            local = datetime.datetime.fromtimestamp(at, UTC).astimezone(zone)
            yield f"{local:%Y%m%dT%H%M%S}"
            yield f"{local:%Y%m%d}"

    def covered(self, begin, end):
        """Whether we call all of it busy."""
        for span in sorted(self.spans):
            if span[0] <= begin < span[1]:
                begin = span[1]
        return begin >= end

    def describe(self, what):
        def times(values):
            return " ".join(datetime.datetime.fromtimestamp(at, UTC).strftime("%m-%dT%H:%M")
                            for at in sorted(values)[:12])
        lines = [line for line in self.text.splitlines() if not line.startswith(("DTSTAMP", "SUMMARY", "PRODID"))]
        return f"{what}\nzone {self.asked['zone']}, asked {times([self.asked['from'], self.asked['until']])}, " \
               f"ours {times(self.ours)}\n" + "\n".join(lines)


def compare(case, reader, spans, told):
    """Faults, as texts. told: how often each reason was needed."""
    def reasoned(reasons, at):
        found = next((reason for reason in reasons if reason(case, reader, at)), None)
        if found:
            told[found] = told.get(found, 0) + 1
        return found is not None

    faults = []
    theirs = {span[0] for span in spans}
    when = datetime.datetime.fromtimestamp
    for begin, end in spans:
        if begin not in case.ours:
            at_edge = end - case.asked["from"] <= 7200  # where it ends earlier by us
            if not reasoned(MISSED, begin) and not (at_edge and reasoned([is_other_end], end)):
                faults.append(f"{reader} has a meeting at {when(begin, UTC)}")
        elif not case.covered(begin, end):
            # Another end; or a meeting that it should not have begins together with one of ours.
            if not (case.covered(begin, end - 7200) and reasoned([is_other_end], end)) and \
                    not reasoned([*MISSED, is_replaced_in_place], begin):
                faults.append(f"{reader} has the meeting of {when(begin, UTC)} until {when(end, UTC)}")
    for begin in case.ours - theirs:
        if not reasoned(EXTRA, begin):
            faults.append(f"{reader} has no meeting at {when(begin, UTC)}")
    return faults


class CalendarCorpus(unittest.TestCase):
    def test_no_meeting_that_another_reader_finds_is_missed(self):
        try:
            import recurring_ical_events  # noqa: F401
        except ImportError:
            skip("the other reader of calendars needs python3-recurring-ical-events")
        ical_js = install_ical_js()
        print(f"seed {SEED}, {COUNT} calendars", flush=True)
        corpus = [calendar_generator.make(SEED, number) for number in range(COUNT)]
        zones = {name: vtimezone(name, zoneinfo.ZoneInfo(zone)) for name, zone in calendar_generator.NAMES.items()}
        for one in corpus:
            one["zones"] = {name: text for name, text in zones.items() if name in one["text"] or name == one["zone"]}
        ours = answers([str(BUILD / "calendar_reader")], corpus)
        others = {"ical.js": answers(["node", str(SUPPORT / "calendar_reader.mjs"), str(ical_js)], corpus),
                  "python": answers([sys.executable, str(SUPPORT / "calendar_reader.py")], corpus)}
        faults, told, meetings = [], {}, 0
        for number, asked in enumerate(corpus):
            if "error" in ours[number]:
                faults.append(Case(asked, []).describe(ours[number]["error"]))
                continue
            case = Case(asked, ours[number]["spans"])
            case.theirs = {reader: {span[0] for span in said[number].get("spans", [])}
                           for reader, said in others.items()}
            for reader, said in others.items():
                if said[number].get("error") == REFUSED:
                    continue
                if "error" in said[number]:
                    faults.append(case.describe(f"{reader}: {said[number]['error']}"))
                    continue
                meetings += len(said[number]["spans"])
                found = compare(case, reader, said[number]["spans"], told)
                faults += [case.describe(fault) for fault in found[:1]]
        print(f"{meetings} meetings of the others held against ours")
        for reason, count in told.items():
            print(f"{count} times: {' '.join(reason.__doc__.split())}")
        self.assertGreater(meetings, COUNT)
        if faults:
            self.fail(f"{len(faults)} faults, seed {SEED}:\n\n" + "\n\n".join(faults[:5]))


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""The same as calendar_reader, by python3-icalendar and python3-recurring-ical-events; what cannot be read is an error
of its own."""

import datetime
import json
import sys
import warnings
import zoneinfo

import icalendar
import recurring_ical_events

warnings.simplefilter("ignore")


def seconds(value, zone):
    if not isinstance(value, datetime.datetime):
        value = datetime.datetime(value.year, value.month, value.day)
    return int((value if value.tzinfo else value.replace(tzinfo=zone)).timestamp())


def read(asked):
    zone = zoneinfo.ZoneInfo(asked["zone"])
    calendar = icalendar.Calendar.from_ical(asked["text"])
    slack = datetime.timedelta(days=4)  # times without a zone are not of the zone that is asked for
    window = [datetime.datetime.fromtimestamp(asked[key], datetime.timezone.utc) for key in ("from", "until")]
    spans = []
    for event in recurring_ical_events.of(calendar).between(window[0] - slack, window[1] + slack):
        if str(event.get("STATUS")) == "CANCELLED":
            continue
        begin = event["DTSTART"].dt
        whole_day = not isinstance(begin, datetime.datetime)
        end = event["DTEND"].dt if "DTEND" in event else begin + datetime.timedelta(days=1 if whole_day else 0)
        if end == begin and whole_day:  # RFC 5545 3.6.1: without an end it takes its day
            end += datetime.timedelta(days=1)
        span = [seconds(begin, zone), seconds(end, zone)]
        if span[0] < asked["until"] and max(span[1], span[0] + 60) > asked["from"]:
            spans.append(span)
    return sorted(spans)


def main():
    answers = []
    for asked in json.load(sys.stdin):
        try:
            answers.append({"spans": read(asked)})
        except Exception as error:  # whatever it is, it is the library's answer
            answers.append({"error": f"{type(error).__name__}: {error}"})
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()

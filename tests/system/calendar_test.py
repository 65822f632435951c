"""A guard's calendar as the real, confined control process reads it."""

import datetime

import house


def calendar(*lines):
    return "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:1", "SUMMARY:Board", *lines, "END:VEVENT",
                        "END:VCALENDAR", ""])


def stamp(hours):
    time = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
    return time.strftime("%Y%m%dT%H%M%SZ")


class Calendar(house.SystemTest):
    configuration = house.CONFIGURATION + """
[guard.calendar]
kind = "schedule"
source = "meetings.ics"
"""

    def prepare(self):
        self.write("DTSTART:" + stamp(0), "DURATION:PT1H")

    def write(self, *lines):
        (self.house.folder / "meetings.ics").write_text(calendar(*lines))

    def ask(self):
        asked = self.house.cli("guard", check=False)
        return asked.returncode, " ".join(asked.stdout.split())

    def test_the_confined_control_reads_zones_and_gives_up_on_endless_rules(self):
        code, text = self.ask()
        self.assertEqual(code, 1)
        self.assertIn("Board", text)
        self.write("DTSTART:" + stamp(72), "DURATION:PT1H")
        self.assertEqual(self.ask()[0], 0)
        self.write("DTSTART;TZID=UTC-11:" + stamp(-11)[:-1], "DURATION:PT1H")
        self.assertEqual(self.ask()[0], 1, "a name of Windows's, by the system's tzdata")
        control = self.house.children()["control"]
        self.write("DTSTART:20000101T000000Z", "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30;COUNT=1")
        code, text = self.ask()
        self.assertEqual(code, 1)
        self.assertIn("'Board' of 2000-01-01 cannot be understood: its recurrences take too long to follow", text)
        self.assertEqual(self.house.children()["control"], control)


if __name__ == "__main__":
    house.main()

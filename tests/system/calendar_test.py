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

    def test_the_confined_control_reads_it_and_outlives_what_its_library_does_not(self):
        code, text = self.ask()
        self.assertEqual(code, 1)
        self.assertIn("Board", text)
        self.write("DTSTART:" + stamp(72), "DURATION:PT1H")
        self.assertEqual(self.ask()[0], 0)
        control = self.house.children()["control"]
        self.write("DTSTART:00010927T130000Z", "RRULE:FREQ=HOURLY;BYYEARDAY=95,-204;BYDAY=5TH;BYSETPOS=260")
        code, text = self.ask()
        self.assertEqual(code, 1)
        self.assertIn("took too long", text)
        self.assertEqual(self.house.children()["control"], control)


if __name__ == "__main__":
    house.main()

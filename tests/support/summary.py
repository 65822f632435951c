"""The end of `./dev test`: the slowest tests, what failed and how, what was not tested and why, and one line that counts.

usage: summary.py NAME=RESULTS.xml...    (what ctest --output-junit writes)

A results file that is missing counts as one failure: a run that could not be built must not look like a run that passed.
Exits 1 when anything failed.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree


def skip_reason(output):
    """GTEST_SKIP prints 'file:line: Skipped' and then the reason; our Python tests print 'SKIPPED: reason'."""
    found = re.search(r"^SKIPPED: (.+)$", output, re.MULTILINE) or re.search(
        r"^\S+:\d+: Skipped\n(.+)$", output, re.MULTILINE
    )
    return found.group(1).strip() if found else "no reason given"


def is_skip(element):
    """ctest also files what it could not find or start under 'skipped', with another message."""
    return element is not None and element.get("message", "").startswith("SKIP_")


def last_words(case, lines=25):
    """The end of what a failed test printed; a log that shows only its own end shows this too."""
    output = (case.findtext("system-out") or "").rstrip().splitlines()
    return "".join(f"\n            | {line[:300]}" for line in output[-lines:])


def print_slowest(seconds, count=10):
    print(f"The {count} slowest tests, in seconds:")
    for taken, label in sorted(seconds, reverse=True)[:count]:
        print(f"{taken:11.1f} {label}")


def main(arguments):
    passed, failed, skipped, seconds = 0, [], {}, []
    for argument in arguments:
        name, _, path = argument.partition("=")
        try:
            cases = ElementTree.parse(path).getroot().iter("testcase")
        except (OSError, ElementTree.ParseError) as error:
            failed.append(f"{name}: the run did not finish ({error})")
            continue
        for case in cases:
            label = f"{name}: {case.get('name')}"
            seconds.append((float(case.get("time") or 0), label))
            if case.get("status") == "run":
                passed += 1
            elif case.get("status") == "disabled":
                skipped.setdefault("it is disabled in the source", []).append(label)
            elif is_skip(case.find("skipped")):
                skipped.setdefault(skip_reason(case.findtext("system-out") or ""), []).append(label)
            else:
                failed.append(label + last_words(case))
    print_slowest(seconds)
    for label in failed:
        print(f"FAILED      {label}")
    for reason, labels in skipped.items():
        for label in labels[:5]:
            print(f"NOT TESTED  {label}")
        if len(labels) > 5:
            print(f"            and {len(labels) - 5} more")
        print(f"            because: {reason}")
    if not skipped:
        print("Nothing was left out.")
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed or passed == 0 else 0


sys.exit(main(sys.argv[1:]))

"""The wall clock is set while fences stand: libfaketime moves it for Gatehouse alone, the kernel's own timeouts stay as
they are. It cross-checks tests/appliance/control/trouble_test.cpp, which injects its clock.

The sandboxes of the proxy and of the fence process prevent libfaketime from reading a new offset. So these two follow
the machine's clock. A clock that is set back is tried with the injected clock alone: here the fence process would see
ends that are long over. """

import datetime
import json
import pathlib
import subprocess
import sys
import time

import house
from house import BUILD, main, wait_until

LIBRARY = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


class Clock(house.SystemTest):
    def prepare(self):
        self.offset = self.house.folder / "offset"
        self.set_clock(0)
        self.house.through = ["env", f"LD_PRELOAD={LIBRARY}", f"FAKETIME_TIMESTAMP_FILE={self.offset}",
                              "FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME_NO_CACHE=1"]

    def set_clock(self, seconds):
        fresh = self.offset.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}s\n")
        fresh.replace(self.offset)

    def ahead(self):
        """Seconds that Gatehouse's wall clock is ahead of the machine's, as the audit tells."""
        self.house.cli("weight", "web2", "--pool", "app", "--set", "2", "--why", "look at the clock")
        entry = self.house.json("audit")["entries"][0]
        return datetime.datetime.fromisoformat(entry["time"].replace("Z", "+00:00")).timestamp() - time.time()

    def until(self):
        text = self.house.json("rules")["fences"][0]["until"]
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()

    def stands(self):
        """Whether web1's fence stands: for Gatehouse, and in the kernel."""
        said = any(fence["server"] == "web1" for fence in self.house.json("rules")["fences"])
        return said, "10.80.0.11:80" in self.house.nft_elements()

    def test_a_clock_that_goes_an_hour_forth_lifts_no_fence_and_keeps_none(self):
        step = 3600
        begun = time.monotonic()
        self.house.cli("fence", "web1", "--pool", "app", "--why", "clock", "--for", "12s", "--yes")
        self.set_clock(step)
        wait_until(lambda: abs(self.ahead() - step) < 5, 10, "Gatehouse sees the clock's step")
        ends = time.time() + begun + 12 - time.monotonic() + step
        wait_until(lambda: abs(self.until() - ends) < 3, 3, "the end follows the clock")
        while time.monotonic() < begun + 10:
            stands = self.stands()
            if time.monotonic() < begun + 11:  # both were asked before it may end
                self.assertEqual(stands, (True, True))
            time.sleep(0.2)
        wait_until(lambda: self.stands() == (False, False), 10, "both let it go")
        self.assertGreaterEqual(time.monotonic(), begun + 11)
        self.assertIn('"event":"clock"', (self.house.folder / "gatehouse.log").read_text())

    def test_a_deploy_at_a_time_begins_by_the_wall_clock(self):
        socket = f"{self.house.folder}/control.sock"
        deploy = subprocess.Popen(
            [BUILD / "gatehouse", "deploy", "rolling", "--pool", "app", "--run", "true", "--at", "2h", "--socket", socket],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
        self.addCleanup(lambda: (deploy.kill(), deploy.wait()))
        state = lambda: json.loads(self.house.cli("deploy", "status", "--json", check=False).stdout or "{}").get("state")
        self.addCleanup(deploy.stdout.close)
        wait_until(lambda: state() is not None, 10, "it waits")
        waits = self.house.json("deploy", "status")
        self.assertFalse([step for step in waits["steps"] if step["kind"] == "fence" and step["began"]], waits)
        self.set_clock(2 * 3600 + 60)
        self.assertEqual(deploy.wait(60), 0, deploy.stdout.read())
        self.assertEqual(state(), "done")


def sanitized():
    return "libasan" in house.run("ldd", BUILD / "gatehouse", check=False).stdout


if __name__ == "__main__":
    if LIBRARY and sanitized():
        print("SKIPPED: a sanitized build: its runtime has to be loaded before libfaketime, which it does not survive")
        sys.exit(house.SKIPPED)
    main(*([] if LIBRARY else ["faketime"]))

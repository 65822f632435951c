"""Keep-alive load while servers are fenced and unfenced in turn: not one request may fail."""

import re
import subprocess
import time

import house
from house import wait_until

SECONDS = 30
STEP = 0.5  # seconds between one change and the next


class Load(house.SystemTest):
    # Checks so frequent that an opened server is eligible again well before the next step.
    configuration = house.CONFIGURATION.replace(
        'interval = "1s", timeout = "500ms"', 'interval = "200ms", timeout = "200ms"'
    )

    def test_fencing_in_turn_costs_not_one_request(self):
        wrk = subprocess.Popen(
            ["wrk", "-t1", "-c64", f"-d{SECONDS}s", "http://127.0.0.1:8080/"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        turns = 0
        try:
            turns = self.fence_in_turn(wrk)
            output = wrk.communicate(timeout=20)[0]
        finally:
            wrk.kill()
            wrk.wait()
        print(output)
        self.assertGreater(turns, 5, "the fences kept moving, however slow the machine")
        self.assertNotIn("Socket errors", output)
        self.assertNotIn("Non-2xx", output)
        requests = int(re.search(r"(\d+) requests in", output).group(1))
        self.assertGreater(requests, 1000 * SECONDS, "a few thousand a second were asked for")

    def fence_in_turn(self, wrk):
        """A change every STEP, never both: the next server is fenced only when the one before is up again."""
        turns = 0
        tick = time.monotonic()
        while wrk.poll() is None:
            server = f"web{1 + turns % 2}"
            self.house.cli("fence", server, "--why", "the load test")
            tick = next_tick(tick)
            self.house.cli("unfence", server)
            wait_until(lambda: self.house.states("app")[server] == "up", 10, f"{server} is up again")
            tick = next_tick(tick)
            turns += 1
        return turns


def next_tick(tick):
    """Sleeps until STEP after the last tick; one that is late already is the new beat."""
    time.sleep(max(0.0, tick + STEP - time.monotonic()))
    return time.monotonic()


if __name__ == "__main__":
    house.main()

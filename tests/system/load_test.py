"""Keep-alive load while servers are fenced and unfenced in turn: not one request may fail."""

import re
import subprocess
import time

import house
from house import wait_until

SECONDS = 30
STEP = 0.5  # seconds between one change and the next


class Load(house.SystemTest):
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
        self.assertGreater(turns, SECONDS / (STEP + house.CHECK_INTERVAL) / 3, "the fences kept moving")
        self.assertNotIn("Socket errors", output)
        self.assertNotIn("Non-2xx", output)
        requests = int(re.search(r"(\d+) requests in", output).group(1))
        self.assertGreater(requests, 1000 * SECONDS, "a few thousand a second were asked for")

    def fence_in_turn(self, wrk):
        """Never both: the next server is fenced only when the one before is up again."""
        turns = 0
        while wrk.poll() is None:
            server = f"web{1 + turns % 2}"
            self.house.cli("fence", server, "--why", "the load test")
            time.sleep(STEP)
            self.house.cli("unfence", server)
            wait_until(lambda: self.house.states("app")[server] == "up", 10, f"{server} is up again")
            time.sleep(max(0.0, STEP - house.CHECK_INTERVAL / 2))
            turns += 1
        return turns


if __name__ == "__main__":
    house.main()

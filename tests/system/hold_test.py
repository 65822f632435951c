"""A short gap without a server, under load, with `hold`: visitors wait, and do not see the page."""

import re
import subprocess
import time

from house import CONFIGURATION, SystemTest, get, main, wait_until


class Hold(SystemTest):
    configuration = CONFIGURATION.replace(
        'servers = ["web1", "web2"]\ncheck = {{ method',
        'servers = ["web1", "web2"]\nhold = "5s"\ncheck = {{ method',
    )

    def test_a_gap_under_load_costs_no_visitor_a_request(self):
        wrk = subprocess.Popen(["wrk", "-t1", "-c64", "-d6s", "--timeout", "5s", "http://127.0.0.1:8080/"],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(lambda: (wrk.kill(), wrk.wait()))
        queue = lambda: {pool["name"]: pool for pool in self.house.json("status")["pools"]}["app"]["queue"]
        visitors = lambda: {pool["name"]: pool for pool in self.house.json("status")["pools"]}["app"]["visitors"]
        wait_until(lambda: visitors()["requests"] > 100, 5, "the load runs")
        self.house.cli("fence", "web1", "web2", "--pool", "app", "--why", "the database moves")
        wait_until(lambda: queue()["waiting"] == 64, 5, "all of them wait")
        self.house.cli("unfence", "web1", "web2", "--pool", "app")
        output = wrk.communicate(timeout=30)[0]
        self.assertNotIn("Socket errors", output)
        self.assertNotIn("Non-2xx", output)
        self.assertGreater(int(re.search(r"(\d+) requests in", output).group(1)), 1000)
        seen = visitors()
        self.assertEqual((seen["status"]["5xx"], seen["broken"]), (0, 0), seen)
        self.assertGreaterEqual(seen["waited"], 64)
        self.assertEqual(queue()["expired"], 0)

    def test_a_gap_that_lasts_shows_the_page(self):
        self.house.cli("fence", "web1", "web2", "--pool", "app", "--why", "a long one")
        begun = time.monotonic()
        answer = get("/")
        self.assertEqual(answer.status, 503)
        self.assertGreater(time.monotonic() - begun, 3)
        self.assertIn(b"Back soon", answer.content)


if __name__ == "__main__":
    main()

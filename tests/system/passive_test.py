"""The passive check through the whole house: visitors' failures take a server out, its check brings it back."""

import contextlib
import http.client

from house import CONFIGURATION, WEB, SystemTest, get, main, wait_until


class Passive(SystemTest):
    configuration = (
        CONFIGURATION.replace("fall = 2, rise = 1 }}", "fall = 2, rise = 2, passive_fall = 3 }}", 1)
        + '\n[timeouts]\nbackend = "200ms"\n'
    )

    def test_failures_in_a_row_take_it_out_and_its_check_brings_it_back(self):
        answers = [self.visit("127.0.0.1") for _ in range(8)]
        self.assertEqual(answers, [504] * 8, "one visitor takes no server out")
        self.assertEqual(self.house.states("app"), {"web1": "up", "web2": "up"})
        answers = [self.visit(visitor) for visitor in ("127.0.0.1", "127.0.0.2") * 4]
        self.assertEqual(answers, [504] * 8, "a page that is too slow for both is neither's failure")
        self.assertEqual(self.house.states("app"), {"web1": "up", "web2": "up"})
        down = self.post_until_one_is_down()
        self.assertEqual(down["why"], "3 exchanges in a row failed, the last: the server did not answer in time")
        wait_until(lambda: self.house.states("app") == {"web1": "up", "web2": "up"}, 6, "checks bring them back")
        self.assertEqual(get("/").status, 200)
        self.assertIn("exchanges in a row failed", (self.house.folder / "gatehouse.log").read_text())

    def post_until_one_is_down(self):
        # The balancer chooses the server. At the latest when each server has had three requests of each visitor, one
        # server has had three in a row from both.
        for visitor in ("127.0.0.1", "127.0.0.2") * 12:
            self.assertEqual(self.visit(visitor, "POST"), 504)
            if down := self.shown_down():
                return down
        self.fail("24 exchanges of two visitors failed, and both servers are up")

    def visit(self, visitor, method="GET"):
        with contextlib.closing(http.client.HTTPConnection(*WEB, source_address=(visitor, 0))) as connection:
            return get("/slow?ms=1000", connection=connection, method=method).status

    def shown_down(self):
        return next((found for found in self.house.backends("app").values() if found["state"] == "down"), None)


if __name__ == "__main__":
    main()

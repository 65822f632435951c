"""Limits of servers through the whole house: the file, control, two workers, real servers, the log and status."""

import json
import threading

from house import CONFIGURATION, SystemTest, get, main, wait_until


class Queue(SystemTest):
    configuration = CONFIGURATION.replace(
        'servers = ["web1", "web2"]\ncheck = {{ method',
        'servers = [{{ name = "web1", max_connections = 1 }}, {{ name = "web2", max_connections = 1 }}]\n'
        'queue = 1\nqueue_timeout = "10s"\ncheck = {{ method',
    )

    def ask(self, path, answers):
        thread = threading.Thread(target=lambda: answers.append(get(path)))
        thread.start()
        self.addCleanup(thread.join)
        return thread

    def queue(self):
        pools = {pool["name"]: pool for pool in self.house.json("status")["pools"]}
        return pools["app"]["queue"]

    def test_full_servers_make_visitors_wait_and_a_full_queue_is_no_maintenance(self):
        answers = []
        busy = [self.ask("/slow?ms=4000", answers) for _ in range(2)]
        in_flight = lambda: sum(found["active"] for found in self.house.backends("app").values())
        wait_until(lambda: in_flight() == 2, 3, "both servers busy")
        waiting = self.ask("/waited", answers)
        wait_until(lambda: self.queue()["waiting"] == 1, 3, "one waits")
        turned_away = get("/")
        self.assertEqual(turned_away.status, 503)
        self.assertIn(b"every server is at its limit", turned_away.content)
        self.assertNotIn(b"Back soon", turned_away.content)
        self.assertIn("1 of 1 waiting", self.house.cli("status").stdout)
        for thread in (*busy, waiting):
            thread.join()
        self.assertEqual([answer.status for answer in answers], [200, 200, 200])
        self.assertEqual(self.queue(), {"waiting": 0, "most": 1, "waited": 1, "overflow": 1, "expired": 0})
        wait_until(lambda: self.logged("/waited"), 2, "its line in the log")
        self.assertGreater(self.logged("/waited")[0]["queue_ms"], 0)

    def logged(self, path):
        lines = (self.house.folder / "gatehouse.log").read_text().splitlines()
        entries = [json.loads(line) for line in lines if line.startswith("{")]
        return [entry for entry in entries if entry.get("path") == path]


if __name__ == "__main__":
    main()

"""Weights by hand through the whole house: the shares that visitors get, over a restart and a reload."""

import collections
import http.client

from house import WEB, SystemTest, get, main, wait_until


class Weight(SystemTest):
    def test_a_weight_by_hand_changes_the_shares_until_it_is_reset(self):
        self.assertEqual(self.shares(80), {"web1": 40, "web2": 40})
        self.house.cli("weight", "web2", "--pool", "app", "--set", "3", "--why", "the bigger machine")
        self.assertEqual(self.shares(80), {"web1": 20, "web2": 60})
        self.assertIn("weight 3 by root: the bigger machine", self.house.cli("status", "app").stdout)
        self.house.cli("reload")
        self.assertEqual(self.shares(80), {"web1": 20, "web2": 60}, "after a reload")
        self.house.daemon.terminate()
        self.house.daemon.wait(15)
        self.house.start_daemon()
        wait_until(lambda: self.house.states("app") == {"web1": "up", "web2": "up"}, 10, "both are up again")
        self.assertEqual(self.shares(80), {"web1": 20, "web2": 60}, "after a restart")
        answer = self.house.cli("weight", "web2", "--reset").stdout
        self.assertEqual(answer, "web2 in app: weight 1, as configured\nweb2 in chat: weight 1, as configured\n")
        self.assertEqual(self.shares(80), {"web1": 40, "web2": 40})
        self.assertIn("weight", self.house.cli("audit").stdout)

    def test_it_leaves_with_its_server(self):
        self.house.cli("weight", "web2", "--set", "3")
        text = self.house.configuration.read_text()
        self.house.configuration.write_text(text.replace('servers = ["web1", "web2"]', 'servers = ["web1"]'))
        self.house.cli("reload")
        self.house.configuration.write_text(text)
        self.house.cli("reload")
        wait_until(lambda: self.house.states("app") == {"web1": "up", "web2": "up"}, 10, "web2 is back")
        self.assertEqual({found["weight"] for found in self.house.backends("app").values()}, {1})

    # Each worker has a round of its own, so that only a connection of its own sees whole rounds.
    def shares(self, count):
        connection = http.client.HTTPConnection(*WEB, timeout=5)
        seen = collections.Counter(get(connection=connection).getheader("X-Served-By") for _ in range(count))
        connection.close()
        return dict(seen)


if __name__ == "__main__":
    main()

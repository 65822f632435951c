"""What a reload does to health, under load and with slow checks. Servers and pools get other names, all servers are
exchanged at once, a listener changes to a new pool. No visitor may see the maintenance page."""

import re
import signal
import subprocess
import time

import house
from house import get, wait_until

SLOW = house.CONFIGURATION.replace('path = "/", host', 'path = "/slow?ms=400", host').replace('"500ms"', '"900ms"')


class Health(house.SystemTest):
    configuration = SLOW

    def prepare(self):
        for number in (3, 4):
            self.house.start_server(number)

    def reload_under_load(self, *texts, pause=0.0):
        """wrk's visitors on connections that stay and on new ones, while one text after the other is taken in."""
        options = (["-c8"], ["-c4", "-H", "Connection: close"])
        loads = [subprocess.Popen(house.TIED + ["wrk", "-t1", *more, "-d4s", "http://127.0.0.1:8080/"],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for more in options]
        time.sleep(0.5)
        for text in texts:
            self.house.write_configuration(text)
            self.house.cli("reload")
            time.sleep(pause)
        for load in loads:
            output = load.communicate(timeout=30)[0]
            print(output)
            self.assertNotIn("Non-2xx", output)
            self.assertNotIn("Socket errors", output)
            self.assertGreater(int(re.search(r"(\d+) requests in", output).group(1)), 100)

    def since(self, pool):
        return [backend["check"]["since"] for backend in self.house.backends(pool).values()]

    def test_a_rename_of_servers_and_pool_keeps_every_verdict(self):
        before = self.since("app")
        renamed = SLOW.replace("web1", "app1").replace("web2", "app2").replace('"app"', '"site"')
        self.reload_under_load(renamed.replace("[pool.app]", "[pool.site]"))
        self.assertEqual(self.house.states("site"), {"app1": "up", "app2": "up"})
        self.assertEqual(self.since("site"), before)

    def test_a_fenced_server_that_is_renamed_gets_no_visitor_in_between(self):
        """The fence drops packets: a request sent there waits for the connect timeout, and then goes to the other
        server."""
        self.house.cli("fence", "web1", "--mode", "drop", "--why", "the test")
        self.reload_under_load(*[SLOW.replace("web1", "app1"), SLOW] * 3, pause=0.1)
        log = (self.house.folder / "gatehouse.log").read_text()
        self.assertNotRegex(log, r'"retries":[1-9]')
        self.assertEqual(self.house.states("app"), {"web1": "fenced", "web2": "up"})

    def test_a_server_in_another_pool_with_the_same_check_keeps_its_verdict(self):
        before = self.since("app")
        check = re.search(r"check = .*slow.*", SLOW).group(0)
        moved = SLOW.replace('port = 80\nservers = ["web1", "web2"]', 'port = 80\nservers = ["web1"]')
        self.house.write_configuration(moved + f'\n[pool.other]\nport = 80\nservers = ["web2"]\n{check}\n')
        self.house.cli("reload")
        self.assertEqual(self.house.states("other"), {"web2": "up"})
        self.assertEqual(self.since("other"), before[1:])

    def test_all_servers_exchanged_at_once_darken_nothing(self):
        self.reload_under_load(SLOW.replace("10.80.0.11", "10.80.0.13").replace("10.80.0.12", "10.80.0.14"))
        self.assertEqual(self.house.states("app"), {"web1": "up", "web2": "up"})
        self.assertIn(get("/whoami").getheader("X-Served-By") or get("/").content.decode(), ["web3", "web4"])

    def test_all_servers_exchanged_and_back_again_darken_nothing(self):
        other = SLOW.replace("10.80.0.11", "10.80.0.13").replace("10.80.0.12", "10.80.0.14")
        self.reload_under_load(*[other, SLOW] * 4, pause=0.1)
        self.assertEqual(self.house.states("app"), {"web1": "up", "web2": "up"})

    def test_a_listener_that_goes_over_to_a_new_pool_darkens_nothing(self):
        check = re.search(r"check = .*slow.*", SLOW).group(0)
        green = SLOW.replace('mode = "http"\npool = "app"', 'mode = "http"\npool = "green"')
        green += f'\n[server.web3]\nhost = "10.80.0.13"\n\n[pool.green]\nport = 80\nservers = ["web3"]\n{check}\n'
        self.reload_under_load(green)
        self.assertEqual(self.house.states("green"), {"web3": "up"})

    def test_new_servers_that_never_pass_are_replaced_by_the_old_ones_for_so_long(self):
        """fall * (interval + timeout) is 3.8 s here; then a removed server gets no requests any more."""
        begun = time.monotonic()
        self.house.write_configuration(SLOW.replace("10.80.0.11", "10.80.0.21").replace("10.80.0.12", "10.80.0.22"))
        self.house.cli("reload")
        self.assertEqual(get().status, 200)
        wait_until(lambda: get().status == 503, 10, "the page")
        self.assertGreater(time.monotonic() - begun, 3.5)

    def test_a_changed_check_takes_a_server_out_after_fall_failures_and_not_before(self):
        wrong = SLOW.replace("expect = 200", "expect = 204").replace("fall = 2", "fall = 3")
        self.house.write_configuration(wrong)
        self.house.daemon.send_signal(signal.SIGHUP)  # `reload` would return after the third failure
        backend = wait_until(lambda: [each for each in self.house.backends("app").values()
                                      if each["check"]["failed"] == 1], 10, "a failure of the new check")[0]
        self.assertEqual((backend["state"], backend["why"]), ("up", "200 instead of 204"))
        self.assertEqual(get().status, 200)
        wait_until(lambda: self.house.states("app") == {"web1": "down", "web2": "down"}, 10, "three failures")
        self.assertEqual([each["check"]["failed"] for each in self.house.backends("app").values()], [3, 3])
        # And back: what was down stays down until the check of before passes.
        self.house.write_configuration(SLOW)
        self.house.cli("reload")
        self.assertEqual(set(self.house.states("app").values()), {"down"})
        wait_until(lambda: self.house.states("app") == {"web1": "up", "web2": "up"}, 5, "both pass again")


if __name__ == "__main__":
    house.main()

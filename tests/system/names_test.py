"""Servers with names in the file, looked up in the test's own /etc/hosts, in a mount namespace."""

import os
import threading
import time
import unittest.mock

import house

NAMED = house.CONFIGURATION.replace('host = "10.80.0.11"', 'host = "web1.example.test"\nresolve = "1s"').replace(
    'host = "10.80.0.12"', 'host = "web2.example.test"\nresolve = "1s"')
ENDS = 60  # seconds, for what happens within two on an idle machine


class NamedHouse(house.SystemTest):
    configuration = NAMED

    def prepare(self):
        self.hosts = self.house.folder / "hosts"
        self.say(web1="10.80.0.11", web2="10.80.0.12")
        names = self.house.folder / "resolv.conf"  # no name server answers there, and no machine of others is asked
        names.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        # A link such as systemd-resolved's may lead nowhere here; then there is no name service either.
        self.house.through = self.privately = [
            "unshare", "--mount", "--propagation", "slave", "sh", "-c",
            f'where=$(readlink -f /etc/resolv.conf); [ ! -e "$where" ] || mount --bind {names} "$where"; '
            f'mount --bind {self.hosts} /etc/hosts && exec "$@"', "sh"]

    def say(self, **addresses):
        """In place, because the bind mount shows this very file."""
        lines = ["127.0.0.1 localhost", *(f"{address} {name}.example.test" for name, address in addresses.items())]
        self.hosts.write_text("\n".join(lines) + "\n")


class Names(NamedHouse):
    def web1(self):
        return self.house.backends("app")["web1"]

    def narrow_status(self, *pools):
        """What status shows a terminal of 80 columns."""
        with unittest.mock.patch.dict(os.environ, COLUMNS="80"):
            shown = self.house.cli("status", *pools).stdout
        self.assertLessEqual(max(map(len, shown.splitlines())), 80, shown)
        return shown

    def await_web1(self, condition, what):
        return house.wait_until(lambda: condition(self.web1()), ENDS, what)

    def visit_on(self, ended):
        """Visits until told to end; returns what went wrong."""
        wrong = []

        def visit():
            while not ended.is_set():
                try:
                    answer = house.get()
                    if answer.status != 200:
                        wrong.append(answer.status)
                except OSError as error:
                    wrong.append(repr(error))
                time.sleep(0.005)

        visitor = threading.Thread(target=visit)
        visitor.start()
        return visitor, wrong

    def test_a_server_follows_its_name_and_no_request_fails(self):
        self.assertEqual(self.web1()["address"], "10.80.0.11:80")
        self.house.start_server(3)  # as web3, where web1 will be
        ended = threading.Event()
        visitor, wrong = self.visit_on(ended)
        try:
            self.say(web1="10.80.0.13", web2="10.80.0.12")
            self.await_web1(lambda web1: (web1["address"], web1["state"]) == ("10.80.0.13:80", "up"), "the move")
            house.wait_until(lambda: "web3" in {house.get().getheader("X-Served-By") for _ in range(4)}, ENDS, "web3")
            # The old address gets no requests any more: it may go.
            self.house.stop_server("web1")
            self.assertEqual({house.get().getheader("X-Served-By") for _ in range(8)}, {"web2", "web3"})
        finally:
            ended.set()
            visitor.join()
        self.assertEqual(wrong, [])

    def test_a_fence_moves_with_the_name(self):
        self.house.cli("fence", "web1", "--why", "a test")
        self.assertIn("10.80.0.11:80", self.house.nft_elements())
        self.house.start_server(3)
        self.say(web1="10.80.0.13", web2="10.80.0.12")
        self.await_web1(lambda web1: web1["address"] == "10.80.0.13:80", "the move")
        elements = self.house.nft_elements()
        self.assertLessEqual({"10.80.0.13:80", "10.80.0.13:5222"}, elements)
        self.assertNotIn("10.80.0.11:80", elements)
        self.assertEqual(self.web1()["state"], "fenced")

    def test_a_name_that_is_gone_keeps_its_address_and_status_says_so(self):
        self.say(web2="10.80.0.12")
        gone = self.await_web1(lambda web1: web1["name"]["resolves"] is False and web1, "the name is gone")
        self.assertEqual((gone["address"], gone["state"]), ("10.80.0.11:80", "up"))
        self.assertEqual(gone["name"]["host"], "web1.example.test")
        self.assertEqual({house.get().getheader("X-Served-By") for _ in range(8)}, {"web1", "web2"})
        shown = self.narrow_status("app")
        words = " ".join(shown.split())
        self.assertIn("web1.example.test does not resolve for", words)
        self.assertIn("it stays at the address it had", words)
        self.assertIn("web2.example.test", words)

        # A restart finds it there, too.
        self.house.daemon.terminate()
        self.house.daemon.wait(30)
        self.house.log.close()
        self.house.start_daemon()
        house.wait_until(lambda: self.house.states("app") == {"web1": "up", "web2": "up"}, ENDS, "both servers up")
        self.assertEqual(self.web1()["address"], "10.80.0.11:80")

    def test_a_reload_may_bring_a_name_that_comes_to_be_known_later(self):
        self.house.start_server(3)
        self.house.write_configuration(NAMED.replace(
            "[pool.app]", '[server.web3]\nhost = "web3.example.test"\nresolve = "1s"\n\n[pool.app]').replace(
            'port = 80\nservers = ["web1", "web2"]', 'port = 80\nservers = ["web1", "web2", "web3"]'))
        self.house.cli("reload")
        web3 = house.wait_until(lambda: self.house.backends("app").get("web3"), ENDS, "web3 is there")
        self.assertEqual((web3["address"], web3["state"]), (None, "unknown"))
        refused = self.house.cli("fence", "web3", "--why", "a test", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("web3 has no address yet", refused.stderr)
        self.assertIn("web3.example.test does not resolve for", " ".join(self.narrow_status().split()))
        self.say(web1="10.80.0.11", web2="10.80.0.12", web3="10.80.0.13")
        house.wait_until(lambda: self.house.states("app")["web3"] == "up", ENDS, "web3 serves")

    def test_check_resolves_each_name_and_warns(self):
        self.say(web1="10.80.0.11")
        command = [*self.privately, house.BUILD / "gatehouse", "check", "-c", self.house.configuration]
        checked = house.run(*command)
        self.assertIn("web1: web1.example.test is 10.80.0.11 now", checked.stdout)
        self.assertIn("warning: web2.example.test does not resolve now: ", checked.stderr)
        self.assertIn("web2 serves nobody until it does", checked.stderr)


class NamesInTheKernel(NamedHouse):
    configuration = NAMED.replace("[pool.chat]\n", '[pool.chat]\nplane = "kernel"\n')

    def slots(self):
        return {name: backend.get("slots") for name, backend in self.house.backends("chat").items()}

    def test_a_redirect_follows_the_name_of_its_server(self):
        house.wait_until(lambda: self.slots() == {"web1": 128, "web2": 128}, ENDS, "both have their slots")
        self.house.start_server(3)
        self.say(web1="10.80.0.13", web2="10.80.0.12")
        house.wait_until(lambda: "10.80.0.13 . 5222" in self.table(), ENDS, "the redirect leads to the new address")
        house.wait_until(lambda: "10.80.0.11" not in self.table(), ENDS, "and not to the old one")
        self.assertNotIn('"event":"redirect"', (self.house.folder / "gatehouse.log").read_text())

    @staticmethod
    def table():
        return house.run("nft", "list", "table", "inet", "gatehouse_redirect").stdout


if __name__ == "__main__":
    house.main("unshare")

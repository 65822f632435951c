"""What goes through the machine, and not to it: nothing but the connections that the kernel redirects. There is a
foreign host in front with a route to the servers, and a server on a port that no listener has."""

import os
import signal
import socket

import house
from front import GATE, GATE6, KERNEL, Front
from house import CONFIGURATION, SystemTest, run, wait_until

HIDDEN, HIDDEN6 = ("10.80.0.11", 5432), ("fd80::11", 5432)
SWITCHES = ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding")
REDIRECTS = "net.ipv4.conf.all.accept_redirects"

FIREWALL = """
[firewall]
enabled = true
management = ["10.80.0.0/24"]
management_ports = [2222]
confirm = "10s"
"""


def switches():
    return run("sysctl", "-n", *SWITCHES).stdout.split()


def set_switches(value):
    run("sysctl", "-qw", *(f"{switch}={value}" for switch in SWITCHES))


class RouterTest(SystemTest):
    before = 0  # of the switches, when Gatehouse starts

    def prepare(self):
        self.front = Front(self.house)
        self.addCleanup(self.front.close)
        self.front.join()
        self.hidden = [self.front.make(self.house.app, lambda address=address: socket.create_server(
            address, family=socket.AF_INET6 if ":" in address[0] else socket.AF_INET)) for address in (HIDDEN, HIDDEN6)]
        for listener in self.hidden:
            self.addCleanup(listener.close)
        set_switches(1)
        wait_until(lambda: self.reaches(HIDDEN) and self.reaches(HIDDEN6), 10, "it would be reached through a router")
        run("sysctl", "-qw", f"{REDIRECTS}=1")
        set_switches(self.before)
        run("sysctl", "-qw", f"{REDIRECTS}=1")

    def reaches(self, address):
        try:
            self.front.connect(address, 0.5).close()
        except (TimeoutError, OSError):
            return False
        return True

    def assert_hidden(self):
        for address in (HIDDEN, HIDDEN6, ("10.80.0.11", 5222), ("fd80::11", 80)):
            self.assertFalse(self.reaches(address), address)

    def assert_served(self):
        with self.front.connect(GATE) as visitor:
            visitor.sendall(b"hello")
            self.assertEqual(visitor.recv(100), b"hello")
        with self.front.connect(GATE6) as visitor:
            visitor.sendall(b"GET /alive HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            self.assertIn(b"200", visitor.recv(100))

    def take(self, text):
        self.house.write_configuration(text)
        self.house.cli("reload", "--why", "a test")

    def wait_for_redirects(self):
        wait_until(lambda: all(backend.get("slots") for pool in ("chat", "chat6")
                               for backend in self.house.backends(pool).values()), 10, "all servers have slots")
        wait_until(lambda: switches() == ["1", "1"], 5, "the kernel forwards")

    def assert_as_before(self):
        wait_until(lambda: switches() == [str(self.before)] * 2, 5, "the switches are as they were")
        self.assertEqual(run("sysctl", "-n", REDIRECTS).stdout.strip(), "1", "what the kernel changes with them, too")


class WithoutAFirewall(RouterTest):
    configuration = KERNEL

    def test_a_pool_in_the_kernel_opens_no_way_but_its_own_and_takes_it_along(self):
        self.wait_for_redirects()
        self.assert_served()
        self.assert_hidden()
        self.assertNotIn("ip_forward", self.house.cli("status").stdout)
        self.assertIn("hook forward", self.house.cli("rules", "--nft").stdout)
        self.take(CONFIGURATION)
        self.assert_as_before()
        self.assert_hidden()
        self.take(KERNEL)
        self.wait_for_redirects()
        self.assert_served()
        self.assert_hidden()

    def test_a_connection_from_before_goes_on_and_is_the_last(self):
        self.wait_for_redirects()
        with self.front.connect(GATE) as visitor:
            self.take(CONFIGURATION)
            visitor.sendall(b"hello")
            self.assertEqual(visitor.recv(100), b"hello")
            self.assertEqual(switches(), ["1", "0"])
            self.assert_hidden()
        self.assert_as_before()

    def test_a_stop_switches_forwarding_off_and_a_start_on(self):
        self.wait_for_redirects()
        self.house.daemon.terminate()
        self.house.daemon.wait(15)
        self.assert_as_before()
        self.assert_hidden()
        self.house.start_daemon()
        self.wait_for_redirects()
        self.assert_served()
        self.assert_hidden()

    def test_processes_that_are_killed_leave_the_guard_and_those_after_them_put_all_back(self):
        self.wait_for_redirects()
        for pid in self.house.children().values():
            os.kill(pid, signal.SIGKILL)
        self.house.daemon.kill()
        self.house.daemon.wait()
        self.assert_served()
        self.assert_hidden()
        self.house.write_configuration(CONFIGURATION)
        self.house.start_daemon()
        self.assert_as_before()
        self.assert_hidden()

    def test_what_other_programs_change_is_put_right(self):
        self.wait_for_redirects()
        run("nft", "flush", "chain", "inet", "gatehouse_redirect", "forward")
        wait_until(lambda: not self.reaches(HIDDEN), 5, "the guard stands again")
        self.assertIn("table inet gatehouse_redirect was changed", self.house.cli("rules").stdout)
        run("nft", "flush", "ruleset")
        wait_until(lambda: "gatehouse_redirect" in run("nft", "list", "tables").stdout, 5, "the table is there again")
        self.assert_hidden()
        set_switches(0)
        self.wait_for_redirects()
        self.assert_served()


class BesideARouter(RouterTest):
    configuration = KERNEL
    before = 1

    def test_a_machine_that_forwarded_before_goes_on_forwarding(self):
        self.wait_for_redirects()
        self.assert_served()
        self.assertTrue(self.reaches(HIDDEN) and self.reaches(HIDDEN6))
        self.assertNotIn("hook forward priority filter;", run("nft", "list", "table", "inet", "gatehouse_redirect").stdout)
        self.take(CONFIGURATION)
        self.house.daemon.terminate()
        self.house.daemon.wait(15)
        self.assertEqual(switches(), ["1", "1"])
        self.assertTrue(self.reaches(HIDDEN) and self.reaches(HIDDEN6))


class UnderTheFirewall(RouterTest):
    configuration = CONFIGURATION + FIREWALL
    before = 1  # so that nothing but the firewall stands in the way

    def prepare(self):
        super().prepare()
        self.addCleanup(lambda: set_switches(1))

    def firewall(self):
        return self.house.json("firewall", "status")

    def test_nothing_goes_through_with_and_without_a_pool_in_the_kernel(self):
        wait_until(lambda: self.firewall()["in_kernel"], 5, "the firewall is in the kernel")
        self.assert_hidden()
        self.take(KERNEL + FIREWALL)
        self.assertEqual(self.firewall()["state"], "on", "a change of listeners needs no confirmation")
        self.wait_for_redirects()
        self.assert_served()
        self.assert_hidden()
        self.assertRegex(run("nft", "list", "chain", "inet", "gatehouse_host", "forward").stdout, "policy drop")
        self.assertIn("hook forward", self.house.cli("rules", "--nft").stdout)
        self.take(CONFIGURATION + FIREWALL)
        self.assert_hidden()

    def test_an_opened_way_is_closed_again(self):
        wait_until(lambda: self.firewall()["in_kernel"], 5, "the firewall is in the kernel")
        run("nft", "insert", "rule", "inet", "gatehouse_host", "forward", "accept")
        wait_until(lambda: self.firewall()["repairs"] == 1, 5, "it is put right")
        self.assert_hidden()

    def test_a_change_on_trial_opens_and_closes_the_way_with_the_rest(self):
        wait_until(lambda: self.firewall()["in_kernel"], 5, "the firewall is in the kernel")
        self.take(CONFIGURATION + FIREWALL.replace("enabled = true", "enabled = false"))
        self.assertEqual(self.firewall()["state"], "on trial")
        self.assertTrue(self.reaches(HIDDEN), "a router again, as it was")
        wait_until(lambda: self.firewall()["state"] == "gone back", 15, "the firewall is back")
        self.assert_hidden()


class AsInTheImage(RouterTest):
    """The firewall, and nothing forwarded before."""
    configuration = KERNEL + FIREWALL

    def test_redirects_pass_both_guards_and_nothing_else_does(self):
        wait_until(lambda: self.house.json("firewall", "status")["in_kernel"], 5, "the firewall is in the kernel")
        self.wait_for_redirects()
        self.assert_served()
        self.assert_hidden()
        self.take(CONFIGURATION + FIREWALL)
        self.assert_as_before()
        self.assert_hidden()


if __name__ == "__main__":
    house.main()

"""Pools that the kernel serves: plane = "kernel". A client's namespace in front of Gatehouse's, servers behind it."""

import os
import signal
import time

import house
from front import GATE, GATE6, KERNEL, Front
from house import CONFIGURATION, SystemTest, run, wait_until


class Redirect(SystemTest):
    configuration = KERNEL

    def setUp(self):
        super().setUp()
        self.front = Front(self.house)
        self.addCleanup(self.front.close)
        for switch in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            run("sysctl", "-qw", f"{switch}=1")
        wait_until(lambda: self.slots() == {"web1": 128, "web2": 128}, 5, "both servers have their slots")

    def slots(self, pool="chat"):
        return {name: backend.get("slots") for name, backend in self.house.backends(pool).items()}

    def connect(self, address=GATE):
        """A connection of the client's."""
        return self.front.connect(address)

    def echo(self, visitor):
        visitor.sendall(b"hello")
        return visitor.recv(100)

    def counted(self):
        return {name: backend["total"] for name, backend in self.house.backends("chat").items()}

    def test_connections_are_shared_out_without_a_listening_socket(self):
        for _ in range(10):
            with self.connect() as visitor:
                self.assertEqual(self.echo(visitor), b"hello")
        house.wait_until(lambda: self.counted() == {"web1": 5, "web2": 5}, 5, "the connections are counted")
        self.assertNotIn(":5222", run("ss", "-Hltn").stdout)

    def test_a_fence_moves_new_connections_and_leaves_established_ones_alone(self):
        before = [self.connect() for _ in range(4)]
        self.house.cli("fence", "web1", "--pool", "chat", "--why", "the test")
        self.assertEqual(self.slots(), {"web1": 0, "web2": 256})
        for _ in range(6):
            with self.connect() as visitor:
                self.assertEqual(self.echo(visitor), b"hello")
        house.wait_until(lambda: self.counted() == {"web1": 2, "web2": 8}, 5, "the connections are counted")
        self.assertEqual([self.echo(visitor) for visitor in before], [b"hello"] * 4)
        self.house.cli("unfence", "web1", "--pool", "chat", "--why", "the test")
        wait_until(lambda: self.slots() == {"web1": 128, "web2": 128}, 5, "it has its slots again")
        for visitor in before:
            visitor.close()

    def test_drain_waits_for_connections_that_the_kernel_passes_on(self):
        visitors = [self.connect() for _ in range(2)]
        active = {name: backend["active"] for name, backend in self.house.backends("chat").items()}
        self.assertEqual(active, {"web1": 1, "web2": 1})
        waiting = self.house.cli("fence", "web1", "--pool", "chat", "--drain", "300ms", "--why", "test", check=False)
        self.assertEqual(waiting.returncode, 4, waiting.stdout + waiting.stderr)
        self.assertIn("1 still in flight", waiting.stderr)
        for visitor in visitors:
            visitor.close()
        self.house.cli("fence", "web1", "--pool", "chat", "--drain", "10s", "--why", "test")

    def test_a_kill_ends_connections_that_the_kernel_passes_on(self):
        with self.connect() as one, self.connect() as two:
            killed = self.house.json("fence", "web1", "web2", "--pool", "chat", "--kill", "--why", "test")["killed"]
            self.assertEqual(killed["forwarded"], 2)
            for visitor in (one, two):
                with self.assertRaises(ConnectionResetError):
                    self.echo(visitor)

    def test_weights_count_and_without_masquerade_servers_see_the_client(self):
        changed = KERNEL.replace("[pool.chat]\n", "[pool.chat]\nmasquerade = false\n").replace(
            'port = 5222\nservers = ["web1", "web2"]', 'port = 5222\nservers = [{{ name = "web1", weight = 3 }}, "web2"]')
        self.house.write_configuration(changed)
        self.house.cli("reload")
        self.assertEqual(self.slots(), {"web1": 192, "web2": 64})
        run("ip", "-n", self.house.app, "route", "add", "default", "via", "10.80.0.1")
        seen = set()
        for _ in range(8):
            with self.connect() as visitor:
                self.assertEqual(self.echo(visitor), b"hello")
                seen.update(self.peers_of_servers())
        house.wait_until(lambda: self.counted() == {"web1": 6, "web2": 2}, 5, "the connections are counted")
        self.assertEqual(seen, {"10.81.0.2"})

    def test_masquerade_shows_servers_the_address_of_this_machine(self):
        with self.connect() as visitor:
            self.assertEqual(self.echo(visitor), b"hello")
            self.assertEqual(self.peers_of_servers(), {"10.80.0.1"})

    def peers_of_servers(self):
        lines = run("ip", "netns", "exec", self.house.app, "ss", "-Htn", "state", "established", "sport", "=", ":5222")
        return {line.split()[-1].rpartition(":")[0] for line in lines.stdout.splitlines()}

    def test_a_pool_changes_its_plane_in_the_running_daemon(self):
        """Both ways, with a connection each time that goes on, and no visitor refused afterwards."""
        for text, listens in ((CONFIGURATION, True), (KERNEL, False)):
            with self.connect() as before:
                self.house.write_configuration(text)
                self.house.cli("reload")
                with self.connect() as after:
                    self.assertEqual(self.echo(after), b"hello")
                wait_until(lambda: (":5222" in run("ss", "-Hltn").stdout) == listens, 5, f"listening: {listens}")
                self.assertEqual(self.echo(before), b"hello")

    def test_a_server_that_fails_its_checks_loses_its_slots(self):
        self.house.stop_server("web1")
        wait_until(lambda: self.slots() == {"web1": 0, "web2": 256}, 10, "its slots have gone")
        with self.connect() as visitor:
            self.assertEqual(self.echo(visitor), b"hello")

    def test_new_connections_are_reset_at_once_when_no_server_is_left(self):
        self.house.cli("fence", "web1", "web2", "--pool", "chat", "--why", "the test")
        begun = time.monotonic()
        with self.assertRaises(ConnectionRefusedError):
            self.connect()
        self.assertLess(time.monotonic() - begun, 0.5)

    def test_ipv6_works_too(self):
        wait_until(lambda: self.slots("chat6") == {"six1": 256}, 5, "the slots are there")
        with self.connect(GATE6) as visitor:
            visitor.sendall(b"GET /alive HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            self.assertIn(b"200", visitor.recv(100))

    def test_a_flushed_ruleset_is_put_right(self):
        run("nft", "flush", "ruleset")
        wait_until(lambda: "gatehouse_redirect" in run("nft", "list", "tables").stdout, 3, "the table is there again")
        with self.connect() as visitor:
            self.assertEqual(self.echo(visitor), b"hello")

    def test_the_fence_process_puts_them_back_without_control(self):
        control = self.house.children()["control"]
        os.kill(control, signal.SIGSTOP)
        try:
            run("nft", "flush", "ruleset")
            wait_until(lambda: "gatehouse_redirect" in run("nft", "list", "tables").stdout, 10, "the table is back")
            with self.connect() as visitor:
                self.assertEqual(self.echo(visitor), b"hello")
        finally:
            os.kill(control, signal.SIGCONT)
        log = self.house.folder / "gatehouse.log"
        wait_until(lambda: '"table inet gatehouse_redirect was changed"' in log.read_text(), 10, "control tells of it")

    def test_a_change_of_our_table_is_put_right_within_a_second_and_told(self):
        # A server that comes up changes the table too; that would put both right in one.
        house.wait_until(lambda: self.house.states("chat6") == {"six1": "up"}, 10, "all are up")
        before = self.house.json("status")["fence_helper"]["repairs"]
        begun = time.monotonic()
        run("nft", "flush", "map", "inet", "gatehouse_redirect", "slots-chat")
        repairs = lambda: self.house.json("status")["fence_helper"]["repairs"]
        wait_until(lambda: repairs() == before + 1, 3, "the repair is counted")
        self.assertLess(time.monotonic() - begun, 1.5)
        self.assertIn("table inet gatehouse_redirect was changed", self.house.cli("rules").stdout)
        with self.connect() as visitor:
            self.assertEqual(self.echo(visitor), b"hello")

    def test_rules_print_what_nft_prints(self):
        printed = run("nft", "list", "table", "inet", "gatehouse_redirect").stdout
        self.assertIn(house.in_any_layout(printed), house.in_any_layout(self.house.cli("rules", "--nft").stdout))

    def test_status_says_when_the_kernel_does_not_forward(self):
        """Gatehouse switches it on, but where /proc/sys is read-only, as in a container."""
        self.assertNotIn("ip_forward", self.house.cli("status").stdout)
        self.house.through = ["unshare", "--mount", "sh", "-c", 'mount -o bind,ro /proc/sys /proc/sys && exec "$@"', "sh"]
        self.house.daemon.terminate()
        self.house.daemon.wait(15)
        run("sysctl", "-qw", "net.ipv4.ip_forward=0")
        self.house.start_daemon()
        wait_until(lambda: self.slots() == {"web1": 128, "web2": 128}, 10, "the kernel has its redirects all the same")
        self.assertIn("sysctl -w net.ipv4.ip_forward=1", " ".join(self.house.cli("status").stdout.split()))
        self.assertIn('"error":"cannot switch forwarding', (self.house.folder / "gatehouse.log").read_text())

    def test_connections_and_newcomers_outlive_control_proxy_and_helper(self):
        """The checks begin anew with each proxy; that alone takes no server's slots away."""
        with self.connect() as visitor:
            for role, pid in self.house.children().items():
                os.kill(pid, 9)
                deadline = time.monotonic() + 1
                while time.monotonic() < deadline:
                    with self.connect() as other:
                        self.assertEqual(self.echo(other), b"hello", role)
                    time.sleep(0.01)
                self.assertEqual(self.echo(visitor), b"hello", role)
            wait_until(lambda: self.slots() == {"web1": 128, "web2": 128}, 5, "all is as before")

    def test_newcomers_are_served_while_the_whole_daemon_is_restarted(self):
        self.house.daemon.kill()
        self.house.daemon.wait()
        for running in (False, True):
            if running:
                self.house.start_daemon()
            deadline = time.monotonic() + 1
            while time.monotonic() < deadline:
                with self.connect() as visitor:
                    self.assertEqual(self.echo(visitor), b"hello")
                time.sleep(0.01)
        wait_until(lambda: self.slots() == {"web1": 128, "web2": 128}, 5, "all is as before")


if __name__ == "__main__":
    house.main()

"""host-fence on an application server, with a balancer that is not Gatehouse: only the command, no daemon anywhere."""

import json
import socket

import house
from house import BUILD, run, wait_until

WEB, CHAT = ("10.80.0.11", 80), ("10.80.0.11", 5222)
BALANCER, NEIGHBOUR = "10.80.0.1", "10.80.0.2"
TABLE = "gatehouse_host_fence"


class HostFence(house.SystemTest):
    def setUp(self):
        self.house = house.House()
        self.addCleanup(self.take_down)
        self.house.make()
        run("ip", "address", "add", f"{NEIGHBOUR}/24", "dev", "servers")
        run("ip", "address", "add", "fd80::2/64", "dev", "servers", "nodad")
        self.house.start_server(1)
        wait_until(lambda: self.reaches(WEB), 10, "the application server answers")

    def on_server(self, *words, check=True, **options):
        return run("ip", "netns", "exec", self.house.app, *words, check=check, **options)

    def host_fence(self, *words, check=True, **options):
        return self.on_server(BUILD / "gatehouse", "host-fence", *words, check=check, **options)

    def add(self, *words, source=BALANCER):
        return self.host_fence("add", "--from", source, "--port", "80", *words)

    def listed(self):
        return json.loads(self.host_fence("list", "--json").stdout)["fences"]

    def reaches(self, address, source=BALANCER):
        try:
            socket.create_connection(address, 2, source_address=(source, 0)).close()
            return True
        except ConnectionRefusedError:
            return False

    def test_the_fence_holds_after_the_command_and_for_that_balancer_only(self):
        self.add("--why", "deploying 2.3")
        self.assertFalse(self.reaches(WEB))
        self.assertTrue(self.reaches(CHAT))
        self.assertTrue(self.reaches(WEB, NEIGHBOUR))
        (fence,) = self.listed()
        self.assertEqual((fence["from"], fence["port"], fence["mode"]), (BALANCER, 80, "reset"))
        self.assertEqual((fence["why"], fence["until"], fence["packets"]), ("deploying 2.3", None, 1))
        self.host_fence("remove", "--from", BALANCER, "--port", "80")
        self.assertTrue(self.reaches(WEB))

    def test_each_refusal_takes_one_packet(self):
        self.add()
        self.assertFalse(any(self.reaches(WEB) for _ in range(20)))
        self.assertEqual(self.listed()[0]["packets"], 20)  # a SYN that is sent again would be one more

    def test_ipv6_is_fenced_too(self):
        self.add(source="fd80::1")
        self.assertFalse(self.reaches(("fd80::11", 80), "fd80::1"))
        self.assertTrue(self.reaches(("fd80::11", 80), "fd80::2"))

    def test_an_exchange_that_has_begun_ends_normally(self):
        # Nothing has tracked connections before; one that is older than the table must not be taken for new.
        with socket.create_connection(CHAT, 5, source_address=(BALANCER, 0)) as visitor:
            visitor.sendall(b"before")
            self.assertEqual(visitor.recv(100), b"before")
            self.host_fence("add", "--from", BALANCER, "--port", "5222")
            self.assertFalse(self.reaches(CHAT))
            visitor.sendall(b"after")
            self.assertEqual(visitor.recv(100), b"after")

    def test_it_ends_by_itself_without_any_process_of_ours(self):
        self.add("--for", "1s")
        self.assertFalse(self.reaches(WEB))
        wait_until(lambda: self.reaches(WEB), 10, "the kernel lifts the fence")
        self.assertEqual(self.listed(), [])

    def test_adding_and_removing_twice_change_nothing_the_second_time(self):
        self.add("--why", "x")
        once = self.on_server("nft", "-a", "list", "ruleset").stdout
        self.assertIn("nothing had to be changed", self.add("--why", "x").stdout)
        self.assertEqual(self.on_server("nft", "-a", "list", "ruleset").stdout, once)
        remove = ("remove", "--from", BALANCER, "--port", "80")
        self.assertEqual(self.host_fence(*remove).stdout, "lifted 1 fence\n")
        self.assertEqual(self.host_fence(*remove).stdout, "nothing was fenced\n")

    def test_the_table_goes_with_the_last_fence_and_others_are_not_touched(self):
        self.on_server("nft", "add", "table", "inet", "somebody_else")
        self.on_server("nft", "add", "chain", "inet", "somebody_else", "input", "{ type filter hook input priority 0; }")
        before = self.on_server("nft", "-a", "list", "ruleset").stdout
        self.host_fence("add", "--from", BALANCER, "fd80::1", "--port", "80,443")
        self.assertEqual(len(self.listed()), 4)
        self.assertIn(TABLE, self.on_server("nft", "list", "tables").stdout)
        self.host_fence("remove", "--from", BALANCER, "fd80::1", "--port", "80,443")
        self.assertEqual(self.on_server("nft", "-a", "list", "ruleset").stdout, before)

    def test_commands_at_the_same_time_lose_no_fence(self):
        ports = " ".join(str(port) for port in range(1001, 1017))
        script = f'for p in {ports}; do "$0" host-fence add --from {BALANCER} --port $p >/dev/null & done; wait'
        self.on_server("sh", "-c", script, BUILD / "gatehouse")
        self.assertEqual([fence["port"] for fence in self.listed()], list(range(1001, 1017)))

    def test_who_is_the_person_behind_sudo(self):
        self.on_server("env", "SUDO_USER=ann", "USER=root", BUILD / "gatehouse", "host-fence", "add", "--from", BALANCER,
                       "--port", "80")
        self.assertEqual(self.listed()[0]["who"], "ann")

    def test_without_the_privilege_it_says_what_is_missing(self):
        weak = ("setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin", BUILD / "gatehouse", "host-fence")
        for words in (("list",), ("add", "--from", BALANCER, "--port", "80")):
            answer = self.on_server(*weak, *words, check=False)
            self.assertEqual((answer.returncode, answer.stdout), (1, ""))
            self.assertRegex(answer.stderr, r"^gatehouse: .*not permitted.*CAP_NET_ADMIN\n$")

    def test_the_systems_log_keeps_why_also_of_a_removal(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
            log.bind(str(self.house.folder / "log"))
            log.settimeout(5)
            # A /dev of the command's own, so that the machine's log does not hear of the test.
            script = 'mount -t tmpfs none /dev && ln -s "$0" /dev/log && exec "$@"'
            logged = ("unshare", "--mount", "sh", "-c", script, self.house.folder / "log", "env", "SUDO_USER=ann",
                      BUILD / "gatehouse", "host-fence")
            words = ("--from", BALANCER, "--port", "80", "--why", "deploying 2.3")
            self.on_server(*logged, "add", *words)
            said = f"new connections from {BALANCER} to port 80, by ann: deploying 2.3"
            self.assertRegex(log.recv(4096).decode(), rf"gatehouse\[\d+\]: host-fence add: {said}$")
            self.on_server(*logged, "add", *words)  # changes nothing, so there is nothing to say
            self.on_server(*logged, "remove", *words)
            self.assertRegex(log.recv(4096).decode(), rf"gatehouse\[\d+\]: host-fence remove: {said}$")

    def test_bad_words_are_wrong_usage(self):
        for words in (("--from", "lb", "--port", "80"), ("--from", BALANCER, "--port", "0"), ("--port", "80")):
            answer = self.host_fence("add", *words, check=False)
            self.assertEqual((answer.returncode, answer.stdout), (2, ""))
            self.assertEqual(answer.stderr.count("\n"), 1)
        self.assertEqual(self.listed(), [])


if __name__ == "__main__":
    house.main()

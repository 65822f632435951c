"""Ports towards servers: none is left in TIME_WAIT by us, and a pool may have several addresses to connect from."""

import re
import socket
import threading

from house import BUILD, CONFIGURATION, SystemTest, main, run, talk, wait_until

ASK = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
SERVER = "127.0.0.3"
VISITS = 100
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CLOSE = OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n", 1)
HTTP10 = OK.replace(b"1.1", b"1.0", 1)

# Of each pool: its port and the line that it has beside servers and check.
POOLS = {
    "introduced": (9001, 'proxy_protocol = "v1"'),
    "closing": (9002, ""),
    "old": (9003, ""),
    "sourced": (9004, 'source = ["127.0.0.21", "127.0.0.22"]\nproxy_protocol = "v2"'),
}
CHECK = '{{ path = "/", interval = "200ms", timeout = "150ms" }}'


class Server:
    """Answers every request, and closes a connection after its peer; after a check at once, as it is asked to there."""

    def __init__(self, port, answer):
        self.answer = answer
        self.peers = []
        self.listening = socket.create_server((SERVER, port), backlog=512)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            connection, peer = self.listening.accept()
            threading.Thread(target=self.serve, args=(connection, peer[0]), daemon=True).start()

    def serve(self, connection, peer):
        with connection:
            seen = b""
            try:
                while piece := connection.recv(65536):
                    seen += piece
                    if seen.endswith(b"\r\n\r\n"):
                        check = b"gatehouse-check" in seen
                        self.peers.append((check, peer))
                        seen = b""
                        connection.sendall(self.answer)
                        if check:
                            break
            except ConnectionResetError:
                pass


def time_waits():
    """The ports of SERVER towards which this machine has closed first, one for each connection."""
    lines = run("ss", "-Htan", "state", "time-wait", "dst", SERVER).stdout.splitlines()
    return [int(line.split()[3].rsplit(":", 1)[1]) for line in lines if re.search(rf"{SERVER}:9\d\d\d\s*$", line)]


class Ports(SystemTest):
    configuration = CONFIGURATION + "\n".join(
        [f'\n[server.own]\nhost = "{SERVER}"\n']
        + [
            f'[listen.{name}]\naddress = "127.0.0.1:{port - 900}"\npool = "{name}"\n\n'
            f'[pool.{name}]\nport = {port}\nservers = ["own"]\n{more}\ncheck = {CHECK}\n'
            for name, (port, more) in POOLS.items()
        ]
    )

    def setUp(self):
        super().setUp()
        run("sysctl", "-q", "net.ipv4.tcp_tw_reuse=0")
        answers = {"introduced": OK, "closing": CLOSE, "old": HTTP10, "sourced": OK}
        self.servers = {name: Server(POOLS[name][0], answer) for name, answer in answers.items()}
        wait_until(lambda: all(self.house.states(name) == {"own": "up"} for name in POOLS), 20, "all are up")

    def visit(self, name, count):
        for _ in range(count):
            self.assertTrue(talk(ASK, ("127.0.0.1", POOLS[name][0] - 900)).startswith(b"HTTP/1.1 200 "), name)

    def test_no_visit_and_no_check_leaves_a_time_wait_behind(self):
        for name in POOLS:
            self.visit(name, VISITS)
            self.assertGreaterEqual(len(self.servers[name].peers), VISITS)
        self.assertEqual(time_waits(), [])

    def test_more_visits_than_there_are_ports_are_served(self):
        run("sysctl", "-q", "net.ipv4.ip_local_port_range=40000 40031")
        self.visit("introduced", 200)
        self.assertEqual(self.house.states("introduced"), {"own": "up"})

    def test_visits_and_checks_leave_from_the_pools_addresses_in_turn(self):
        self.visit("sourced", 20)
        seen = self.servers["sourced"].peers
        wait_until(lambda: len({peer for check, peer in seen if check}) == 2, 20, "checks from both")
        visits = [peer for check, peer in seen if not check]
        self.assertEqual(set(peer for _, peer in seen), {"127.0.0.21", "127.0.0.22"})
        self.assertGreaterEqual(min(visits.count("127.0.0.21"), visits.count("127.0.0.22")), 5)
        self.assertIn("connections of pool sourced to one IPv4 server", run(BUILD / "gatehouse", "check", "-c", self.house.configuration).stdout)


if __name__ == "__main__":
    main()

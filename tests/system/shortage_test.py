"""A machine that is short of ports, and servers that are killed: no visitor sees the page, no GET is lost."""

import json
import socket
import threading
import time

from house import CONFIGURATION, WEB, SystemTest, get, main, run, wait_until

PORTS = 4  # towards each server


class Shortage(SystemTest):
    configuration = CONFIGURATION.replace("fall = 2, rise = 1 }}", "fall = 2, rise = 1, passive_fall = 3 }}", 1)

    def test_a_shortage_of_ports_is_no_servers_failure(self):
        # Theirs are made before, because visitors are of the same machine here.
        visitors = [socket.create_connection(WEB, timeout=30) for _ in range(30)]
        run("sysctl", "-q", f"net.ipv4.ip_local_port_range=40000 {40000 + PORTS - 1}")
        for visitor in visitors:
            visitor.sendall(b"GET /slow?ms=3000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answers = [self.read(visitor) for visitor in visitors]
        short = [answer for answer in answers if answer.startswith(b"HTTP/1.1 503 ")]
        self.assertEqual({answer[:13] for answer in answers}, {b"HTTP/1.1 200 ", b"HTTP/1.1 503 "})
        for answer in short:
            self.assertIn(b"the load balancer is short of ports, descriptors or memory", answer)
        self.assertEqual(self.house.states("app"), {"web1": "up", "web2": "up"}, "nothing is said against them")
        self.assertEqual([found["failed"] for found in self.house.backends("app").values()], [0, 0])
        status = self.house.json("status")
        self.assertGreaterEqual(status["shortages"]["connections"], len(short))
        told = [line for line in self.lines() if line.get("event") == "shortage"]
        self.assertIn("Cannot assign requested address", {line["why"] for line in told})
        self.assertIn("gatehouse_shortages_total", self.house.cli("metrics").stdout)

    def test_servers_that_are_killed_cost_no_get(self):
        seen = []
        stop = threading.Event()

        def visit():
            while not stop.is_set():
                seen.append(get("/").status)

        visitors = [threading.Thread(target=visit) for _ in range(4)]
        for visitor in visitors:
            visitor.start()
        for _ in range(5):
            self.house.stop_server("web1")
            time.sleep(0.3)
            self.house.start_server(1)
            wait_until(lambda: self.house.states("app") == {"web1": "up", "web2": "up"}, 20, "both are up")
        stop.set()
        for visitor in visitors:
            visitor.join()
        self.assertEqual(set(seen), {200}, f"of {len(seen)} requests")
        self.assertGreater(len(seen), 100)

    def test_a_visitor_who_closes_a_tab_holds_up_no_drain(self):
        closed = socket.create_connection(WEB)
        closed.sendall(b"GET /slow?ms=60000 HTTP/1.1\r\nHost: a\r\n\r\n")
        busy = lambda: [name for name, found in self.house.backends("app").items() if found["active"] == 1]
        server = wait_until(busy, 10, "it is in flight")[0]
        closed.close()
        answer = self.house.json("fence", server, "--drain", "30s", "--why", "a test")
        self.assertTrue(answer["drained"])

    def read(self, visitor):
        with visitor:
            answer = b""
            while piece := visitor.recv(65536):
                answer += piece
            return answer

    def lines(self):
        lines = (self.house.folder / "gatehouse.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


if __name__ == "__main__":
    main()

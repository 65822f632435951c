"""Visitors and servers in good health: what goes through, byte for byte."""

import http.client
import os
import pathlib
import signal
import socket

import house
from house import CHAT, WEB, WEB6, get, talk, wait_until


class Proxy(house.SystemTest):
    def test_both_servers_answer_in_turn(self):
        # On one connection, because each worker goes round by itself.
        connection = http.client.HTTPConnection(*WEB, timeout=5)
        served = [get(connection=connection).getheader("X-Served-By") for _ in range(10)]
        self.assertEqual(served.count("web1"), 5)
        self.assertEqual(served.count("web2"), 5)

    def test_visitors_come_by_ipv6_too(self):
        self.assertEqual(get(address=WEB6).status, 200)

    def test_servers_may_have_ipv6_addresses(self):
        text = house.CONFIGURATION.replace("10.80.0.11", "fd80::11").replace("10.80.0.12", "fd80::12")
        self.house.write_configuration(text)
        self.house.cli("reload")
        wait_until(lambda: self.house.states("app") == {"web1": "up", "web2": "up"}, 5, "up by IPv6")
        self.assertEqual(get().status, 200)

    def test_head_has_the_length_and_no_body(self):
        answer = talk(b"HEAD /bytes?size=5000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 200"))
        self.assertIn(b"content-length: 5000", head.lower())
        self.assertEqual(body, b"")

    def test_204_and_304_end_without_a_body_and_keep_the_connection(self):
        connection = http.client.HTTPConnection(*WEB, timeout=5)
        for status in (204, 304, 200):
            self.assertEqual(get(f"/status?code={status}", connection=connection).status, status)

    def test_bodies_with_a_length_come_back_byte_for_byte(self):
        for size in (0, 1, 16383, 16384, 65537, 3_000_000):
            body = os.urandom(size)
            self.assertEqual(get("/echo", method="POST", body=body).content, body, f"{size} bytes")

    def test_chunked_bodies_come_back_byte_for_byte(self):
        for size in (1, 16384, 1_000_000):
            body = os.urandom(size)
            pieces = [body[at : at + 7001] for at in range(0, size, 7001)]
            answer = get("/echo", method="POST", body=iter(pieces))
            self.assertEqual(answer.content, body, f"{size} bytes")

    def test_a_large_answer_arrives_whole(self):
        size = 64 << 20
        content = get(f"/bytes?size={size}", timeout=60).content
        self.assertEqual(len(content), size)
        self.assertEqual(content[:26], b"abcdefghijklmnopqrstuvwxyz")
        self.assertEqual(content[-1], ord("a") + (size - 1 + (size - 1) // 251) % 26)

    def test_pipelined_requests_are_answered_in_order(self):
        requests = [b"GET /slow?ms=200&n=0 HTTP/1.1\r\nHost: a\r\n\r\n"]
        requests += [b"GET /n=%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(1, 6)]
        requests += [b"GET /n=last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"]
        answer = talk(b"".join(requests)).decode()
        order = [answer.index(f"n={number}") for number in (0, 1, 2, 3, 4, 5, "last")]
        self.assertEqual(order, sorted(order))

    def test_one_connection_serves_many_requests(self):
        connection = http.client.HTTPConnection(*WEB, timeout=5)
        connection.connect()
        port = connection.sock.getsockname()[1]
        for _ in range(200):
            self.assertEqual(get(connection=connection).status, 200)
        self.assertEqual(connection.sock.getsockname()[1], port)

    def test_100_continue_comes_before_the_body(self):
        with socket.create_connection(WEB, 5) as visitor:
            visitor.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            self.assertTrue(visitor.recv(4096).startswith(b"HTTP/1.1 100 "))
            visitor.sendall(b"hello")
            answer = b""
            while b"hello" not in answer:
                piece = visitor.recv(4096)
                self.assertTrue(piece, "the connection ended before the answer")
                answer += piece
            self.assertIn(b"HTTP/1.1 200", answer)

    def test_the_server_learns_the_visitors_address(self):
        self.assertIn("x-forwarded-for: 127.0.0.1", get("/head").content.decode().lower())

    def test_a_visitor_cannot_forge_its_address(self):
        head = get("/head", headers={"X-Forwarded-For": "9.9.9.9"}).content.decode()
        self.assertNotIn("9.9.9.9", head)

    def test_an_upgraded_connection_is_a_relay(self):
        with socket.create_connection(WEB, 5) as visitor:
            visitor.sendall(b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
            head = b""
            while b"\r\n\r\n" not in head:
                head += visitor.recv(4096)
            self.assertTrue(head.startswith(b"HTTP/1.1 101"))
            for message in (b"\x81\x05hello", os.urandom(50_000)):
                visitor.sendall(message)
                back = b""
                while len(back) < len(message):
                    back += visitor.recv(65536)
                self.assertEqual(back, message)

    def test_smuggling_is_refused_and_reaches_no_server(self):
        answer = talk(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
                      b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 400"))
        self.assertIn(b"server: gatehouse", answer.lower())
        self.assertNotIn(b"smuggled", answer)

    def test_chat_is_relayed_and_half_close_passes(self):
        message = os.urandom(200_000)
        self.assertEqual(talk(message, CHAT, half_close=True), message)

    def test_a_server_that_refuses_costs_no_visitor_an_error(self):
        self.house.stop_server("web1")
        self.assertEqual([get().status for _ in range(50)], [200] * 50)

    def test_a_sick_server_leaves_after_two_checks_and_returns_after_one(self):
        self.house.servers["web1"].send_signal(signal.SIGUSR1)
        wait_until(lambda: self.house.states("app")["web1"] == "down", 5, "web1 is down")
        self.assertIn("503", self.house.backends("app")["web1"]["why"])
        self.assertEqual({get().getheader("X-Served-By") for _ in range(10)}, {"web2"})
        self.house.servers["web1"].send_signal(signal.SIGUSR1)
        wait_until(lambda: self.house.states("app")["web1"] == "up", 3, "web1 is up")
        self.assertEqual({get().getheader("X-Served-By") for _ in range(10)}, {"web1", "web2"})

    def test_the_proxy_runs_without_any_privilege_and_the_fence_helper_with_one(self):
        net_admin = f"{1 << 12:016x}"
        for role in ("control", "proxy", "fence"):
            found = house.process_status(self.house.children()[role])
            self.assertNotEqual(found["Uid"].split()[1], "0", role)
            self.assertEqual(found["NoNewPrivs"], "1", role)
            self.assertEqual(found["CapEff"], net_admin if role == "fence" else "0" * 16, role)

    def test_ps_tells_the_processes_and_threads_apart(self):
        def names(pid):
            return {(task / "comm").read_text().strip() for task in pathlib.Path(f"/proc/{pid}/task").iterdir()}

        children = self.house.children()
        self.assertIn("gatehouse", names(self.house.daemon.pid))
        self.assertIn("gatehouse-contr", names(children["control"]))
        self.assertIn("gatehouse-fence", names(children["fence"]))
        self.assertLessEqual({"gatehouse-proxy", "worker 0", "monitor", "log"}, names(children["proxy"]))


if __name__ == "__main__":
    house.main()

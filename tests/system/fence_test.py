"""The fence meets the proxy: what visitors, operators and the kernel see."""

import http.client
import json
import os
import signal
import socket
import threading
import time

import house
from house import CHAT, CHECK_INTERVAL, get, run, talk, wait_until


class Fence(house.SystemTest):
    def fence(self, *words):
        return self.house.cli("fence", *words, "--why", "a test")

    def served_by(self, count=10):
        answers = [get() for _ in range(count)]
        self.assertEqual({answer.status for answer in answers}, {200})
        return {answer.getheader("X-Served-By") for answer in answers}

    def test_a_fence_is_in_the_kernel_when_the_command_returns(self):
        self.fence("web1", "--pool", "app")
        self.assertIn("10.80.0.11:80", self.house.nft_elements())
        self.assertNotIn("10.80.0.12:80", self.house.nft_elements())
        self.assertEqual(self.served_by(), {"web2"})

    def test_a_fence_without_a_pool_covers_every_role_of_the_server(self):
        self.fence("web1")
        self.assertLessEqual({"10.80.0.11:80", "10.80.0.11:5222"}, self.house.nft_elements())

    def test_the_kernel_refuses_others_and_lets_the_checks_through(self):
        self.fence("web1")
        with self.assertRaises(ConnectionRefusedError):
            talk(b"", ("10.80.0.11", 80), timeout=2)
        time.sleep(2 * CHECK_INTERVAL)  # at least one more check has ended
        self.assertEqual(self.house.backends("app")["web1"]["check"]["state"], "up")

    def test_rules_say_who_why_and_since(self):
        self.fence("web1", "--pool", "app")
        (rule,) = self.house.json("rules")["fences"]
        self.assertEqual(rule["server"], "web1")
        self.assertEqual(rule["pool"], "app")
        self.assertEqual(rule["why"], "a test")
        self.assertTrue(rule["who"])
        self.assertTrue(rule["since"])
        self.assertIsNone(rule["drift"])

    def test_a_fence_that_another_program_removed_is_shown_as_drift(self):
        self.fence("web1", "--pool", "app")
        run("nft", "delete", "table", "inet", "gatehouse")
        rules = self.house.json("rules")["fences"]
        # Either it has been put back by now, or it is told that it is missing; silence would be a lie.
        self.assertTrue(rules and (rules[0]["drift"] or "10.80.0.11:80" in self.house.nft_elements()), rules)

    def test_other_tables_are_not_touched(self):
        run("nft", "add", "table", "inet", "somebody_else")
        self.fence("web1")
        self.house.cli("unfence", "web1")
        self.assertIn("somebody_else", run("nft", "list", "tables").stdout)

    def test_with_both_fenced_the_page_appears_and_goes_by_itself(self):
        self.fence("web1", "web2")
        answer = get(headers={"Accept": "text/html"})
        self.assertEqual(answer.status, 503)
        self.assertEqual(answer.content.decode(), self.house.page)
        self.assertEqual(answer.getheader("Retry-After"), "120")
        self.assertEqual(answer.getheader("Cache-Control"), "no-store")
        self.assertEqual(answer.getheader("Server"), "gatehouse")
        self.house.cli("unfence", "web1")
        wait_until(lambda: get().status == 200, CHECK_INTERVAL + 0.2, "a 200 after the unfence")
        self.assertEqual(self.served_by(), {"web1"})

    def test_the_page_comes_as_json_text_or_only_a_head(self):
        self.fence("web1", "web2")
        answer = get(headers={"Accept": "application/json"})
        self.assertTrue(answer.getheader("Content-Type").startswith("application/json"))
        json.loads(answer.content)
        answer = get(headers={"Accept": "text/plain"})
        self.assertTrue(answer.getheader("Content-Type").startswith("text/plain"))
        self.assertNotIn(b"<", answer.content)
        raw = talk(b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        self.assertTrue(raw.startswith(b"HTTP/1.1 503") and raw.endswith(b"\r\n\r\n"), raw)

    def test_with_no_server_left_chat_is_refused_at_once(self):
        self.assertEqual(talk(b"hello", CHAT, until=b"hello"), b"hello")
        self.fence("web1", "web2")
        started = time.monotonic()
        try:
            self.assertEqual(talk(b"hello", CHAT, timeout=5), b"")
        except ConnectionError:
            pass  # a reset or a refusal, as the proxy chooses
        self.assertLess(time.monotonic() - started, 0.5)
        self.house.cli("unfence", "web1", "web2", "--wait", "10s")
        self.assertEqual(talk(b"hello", CHAT, until=b"hello"), b"hello")

    def in_flight(self, path):
        """A visitor of web1 in a thread of its own; its answer is in the list when it is joined."""
        answers = []
        self.house.cli("fence", "web2", "--why", "so that web1 serves")
        visitor = threading.Thread(target=lambda: answers.append(get(path)))
        visitor.start()
        wait_until(lambda: self.house.backends("app")["web1"]["active"] == 1, 2, "the request is at web1")
        self.house.cli("unfence", "web2", "--wait", "10s")
        return visitor, answers

    def test_what_is_in_flight_ends_normally(self):
        visitor, answers = self.in_flight("/drip?ms=4000")
        self.fence("web1")
        visitor.join()
        self.assertEqual(answers[0].status, 200)
        self.assertEqual(len(answers[0].content), 1000)

    def test_drain_waits_for_what_is_in_flight(self):
        visitor, answers = self.in_flight("/drip?ms=4000")
        self.fence("web1", "--drain", "20s")
        visitor.join(1)
        self.assertFalse(visitor.is_alive(), "the command returned before the exchange had ended")
        self.assertEqual(answers[0].status, 200)

    def test_a_drain_that_takes_too_long_says_so(self):
        visitor, _ = self.in_flight("/drip?ms=5000")
        answer = self.house.cli("fence", "web1", "--drain", "1s", "--why", "a test", check=False)
        self.assertEqual(answer.returncode, 4, answer.stderr)
        visitor.join()

    def test_kill_ends_an_exchange_at_once(self):
        answers = []
        self.house.cli("fence", "web2", "--why", "so that web1 serves")

        def visit():
            try:
                answers.append(get("/drip?ms=20000").status)
            except (http.client.HTTPException, ConnectionError) as error:
                answers.append(error)

        visitor = threading.Thread(target=visit)
        visitor.start()
        wait_until(lambda: self.house.backends("app")["web1"]["active"] == 1, 2, "the request is at web1")
        chat = socket.create_connection(CHAT, 5)
        self.addCleanup(chat.close)
        chat.sendall(b"hello")
        self.assertEqual(chat.recv(5), b"hello")
        started = time.monotonic()
        answer = json.loads(self.fence("web1", "--kill", "--json").stdout)
        visitor.join(1)
        self.assertFalse(visitor.is_alive(), "the visitor still waits")
        # Half an answer is no answer: what has begun can only be cut, and the visitor must see that it was.
        self.assertIsInstance(answers[0], (http.client.HTTPException, ConnectionError))
        try:
            self.assertEqual(chat.recv(1), b"")
        except ConnectionError:
            pass  # a reset, as the proxy chooses
        self.assertLess(time.monotonic() - started, 2)
        self.assertEqual(answer["killed"], {"sockets": 2, "forwarded": 0})
        self.assertEqual(answer["in_flight"], 0)
        left = run("ss", "-Htn", "state", "established", "dst", "10.80.0.11").stdout
        self.assertEqual(left, "")
        time.sleep(2 * CHECK_INTERVAL)  # at least one more check has ended
        self.assertEqual(self.house.backends("app")["web1"]["check"]["state"], "up")

    def test_a_killed_request_that_was_not_answered_yet_gets_an_error_at_once(self):
        visitor, answers = self.in_flight("/slow?ms=20000")
        answer = self.fence("web1", "--kill").stdout
        self.assertIn("ended 1 connection", answer)
        visitor.join(1)
        # The server has the request and may have carried it out, so it is not sent to another.
        self.assertEqual(answers[0].status, 502)

    def test_kill_with_nothing_in_flight_is_only_a_fence(self):
        self.assertEqual(self.house.json("fence", "web1", "--kill")["killed"], {"sockets": 0, "forwarded": 0})
        self.assertIn("10.80.0.11:80", self.house.nft_elements())

    def test_idle_connections_to_a_fenced_server_are_closed(self):
        self.served_by()
        self.fence("web1")
        established = run("ss", "-Htn", "state", "established", "dst", "10.80.0.11").stdout
        self.assertEqual(established, "")

    def test_a_visitors_connection_outlives_a_fence(self):
        connection = http.client.HTTPConnection(*house.WEB, timeout=5)
        connection.connect()
        port = connection.sock.getsockname()[1]
        for step in ("fence", "unfence"):
            self.assertEqual(get(connection=connection).status, 200)
            self.house.cli(step, "web1", "--why", "a test")
        self.assertEqual(get(connection=connection).status, 200)
        self.assertEqual(connection.sock.getsockname()[1], port)

    def test_a_fence_with_an_end_lifts_itself(self):
        self.fence("web1", "--for", "2s")
        self.assertEqual(self.house.states("app")["web1"], "fenced")
        wait_until(lambda: self.house.states("app")["web1"] == "up", 5, "the fence has lifted itself")
        self.assertEqual(self.house.nft_elements(), set())

    def test_maintenance_by_hand(self):
        self.house.cli("maintenance", "on", "app", "--message", "moving house", "--why", "a test")
        answer = get(headers={"Accept": "text/plain"})
        self.assertEqual(answer.status, 503)
        self.assertIn(b"moving house", answer.content)
        self.house.cli("maintenance", "off", "app", "--why", "done")
        self.assertEqual(get().status, 200)

    def test_an_unknown_server_is_refused_with_the_nearest_name(self):
        answer = self.house.cli("fence", "wbe1", "--why", "a test", check=False)
        self.assertEqual(answer.returncode, 1)
        self.assertIn("web1", answer.stderr)
        self.assertEqual(self.house.nft_elements(), set())

    def test_scope_all_cuts_what_is_established_and_scope_new_lets_it_go_on(self):
        def exchange(connection):
            connection.sendall(b"hello")
            return connection.recv(5)

        with socket.create_connection(("10.80.0.11", 5222), 5) as straight:
            self.assertEqual(exchange(straight), b"hello")
            self.house.cli("fence", "web1")
            self.assertEqual(exchange(straight), b"hello")
            self.house.cli("fence", "web1", "--scope", "all")  # the same fence, wider
            with self.assertRaises(ConnectionResetError):
                exchange(straight)
        fences = [fence for fence in self.house.json("rules")["fences"] if fence["server"] == "web1"]
        self.assertEqual({fence["scope"] for fence in fences}, {"all"})
        self.assertEqual({fence["drift"] for fence in fences}, {None})
        self.assertIn("scope: all", self.house.cli("rules").stdout)
        os.kill(self.house.children()["control"], signal.SIGKILL)  # the store knows the scope, too
        wait_until(lambda: self.house.cli("rules", "--json", check=False).returncode == 0, 5, "control is back")
        fences = [fence for fence in self.house.json("rules")["fences"] if fence["server"] == "web1"]
        self.assertEqual({(fence["scope"], fence["drift"]) for fence in fences}, {("all", None)})
        self.house.cli("fence", "web1", "--scope", "new")
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("10.80.0.11", 5222), 5)
        self.house.cli("unfence", "web1")
        socket.create_connection(("10.80.0.11", 5222), 5).close()

    def test_tables_fit_80_columns(self):
        self.fence("web1", "web2")
        for command in ("status", "rules"):
            for line in self.house.cli(command).stdout.splitlines():
                self.assertLessEqual(len(line), 80, line)


if __name__ == "__main__":
    house.main()

"""The PROXY protocol through the whole house: from the file to what a server learns, and to the sandboxed process that
writes headers of its own."""

import socket

from house import CONFIGURATION, SystemTest, main, talk, wait_until

HEADER = b"PROXY TCP4 192.0.2.1 198.51.100.2 1111 443\r\n"


class Introduction(SystemTest):
    configuration = CONFIGURATION.replace(
        "[listen.web6]",
        '[listen.behind]\naddress = "0.0.0.0:8081"\npool = "app"\ntrusted = ["127.0.0.2"]\nproxy_protocol = true\n'
        'forwarded = true\nrequest_id = true\n\n'
        '[listen.out]\naddress = "0.0.0.0:8082"\nmode = "tcp"\npool = "out"\n\n'
        "[listen.web6]",
    ) + '\n[server.own]\nhost = "127.0.0.3"\n\n[pool.out]\nport = 8083\nservers = ["own"]\nproxy_protocol = "v1"\n'

    def test_a_header_names_the_client_and_only_trusted_networks_may_send_one(self):
        request = HEADER + b"GET /head HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", 8081), 5, source_address=("127.0.0.2", 0)) as balancer:
            balancer.sendall(request)
            answer = b"".join(iter(lambda: balancer.recv(65536), b""))
        self.assertIn(b"X-Forwarded-For: 192.0.2.1\r\n", answer)
        self.assertIn(b'Forwarded: for=192.0.2.1;host="a";proto=http\r\n', answer)
        self.assertRegex(answer, rb"X-Request-Id: [0-9a-f]{32}\r\n")
        with self.assertRaises(ConnectionError):  # a reset, or a broken pipe where it comes before the request has gone
            talk(request, ("127.0.0.1", 8081))
        log = self.house.folder / "gatehouse.log"
        wait_until(lambda: "only trusted networks may connect here" in log.read_text(), 5, "the log says why")

    def test_a_server_is_told_who_the_client_is(self):
        with socket.create_server(("127.0.0.3", 8083)) as listening:
            listening.settimeout(10)
            wait_until(lambda: self.accept_probe(listening), 8, "the check has passed")
            with socket.create_connection(("127.0.0.1", 8082), 5) as client:
                client.sendall(b"hello")
                own = client.getsockname()
                seen = self.first_words(listening)
                self.assertEqual(seen, f"PROXY TCP4 127.0.0.1 127.0.0.1 {own[1]} 8082\r\nhello".encode())

    def accept_probe(self, listening):
        listening.accept()[0].close()
        return self.house.states("out") == {"own": "up"}

    def first_words(self, listening):
        """Of the first connection that says any; checks say nothing."""
        while True:
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(5)
                seen = b""
                try:
                    while not seen.endswith(b"hello"):
                        piece = connection.recv(4096)
                        if not piece:
                            break
                        seen += piece
                except ConnectionResetError:
                    pass
                if seen:
                    return seen


if __name__ == "__main__":
    main()

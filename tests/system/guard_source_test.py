"""The sources of guards: feeds with real forms of addresses, servers that drip, flood or close early, and private
secrets. The real, confined daemon asks real servers of HTTP and HTTPS."""

import base64
import datetime
import http.server
import socket
import ssl
import threading
import time

import house

LOGIN = "Basic " + base64.b64encode(b"ann:s3cret").decode()
NONE = "<response><returncode>SUCCESS</returncode><meetings/></response>"


def calendar(hours):
    begin = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
    return "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:1", "SUMMARY:Board",
                        f"DTSTART:{begin:%Y%m%dT%H%M%SZ}", "DURATION:PT1H", "END:VEVENT", "END:VCALENDAR", ""])


class Feed(http.server.BaseHTTPRequestHandler):
    """/a.ics wants a password; /to/URL redirects there; /bigbluebutton/api/getMeetings is an API."""

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path == "/bigbluebutton/api/getMeetings":
            self.reply(200, NONE)
        elif path.startswith("/to/"):
            self.reply(302, "", Location=self.path[4:])
        elif path == "/a.ics" and self.headers["Authorization"] == LOGIN:
            self.reply(200, calendar(0))
        else:
            self.reply(200 if path == "/open.ics" else 401 if path == "/a.ics" else 404, calendar(0))

    def reply(self, status, text, **fields):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *words):
        pass


class GuardSources(house.SystemTest):
    def prepare(self):
        self.servers = []
        for name in ("password", "bbb.secret"):
            (self.house.folder / name).write_text("s3cret\n")
            (self.house.folder / name).chmod(0o640)
            house.run("chgrp", "gatehouse", self.house.folder / name)
        house.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                  "-days", "2", "-keyout", "tls.key", "-out", "tls.pem", "-subj", "/CN=localhost", "-addext",
                  "subjectAltName=DNS:localhost,IP:127.0.0.1", cwd=self.house.folder)
        (self.house.folder / "tls.pem").chmod(0o644)
        self.http = self.serve(Feed)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.house.folder / "tls.pem", self.house.folder / "tls.key")
        self.https = self.serve(Feed, context)

    def serve(self, handler, context=None):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_address[1]

    def guard(self, *lines):
        """What `guard` says of one schedule guard: its exit code and text."""
        self.house.write_configuration(self.configuration + "\n[guard.feed]\n" + "\n".join(lines) + "\n")
        self.house.cli("reload")
        asked = self.house.cli("guard", check=False)
        return asked.returncode, " ".join((asked.stdout + asked.stderr).split())

    def feed(self, source, *lines):
        return self.guard('kind = "schedule"', f'source = "{source}"', 'timeout = "2s"', *lines)

    def test_addresses_are_taken_as_people_have_them(self):
        port = self.http
        for source in (f"webcal://127.0.0.1:{port}/open.ics", f"HTTP://localhost:{port}/open.ics",
                       f"http://ann:s3cret@127.0.0.1:{port}/a.ics", f"http://127.0.0.1:{port}/to//open.ics"):
            code, text = self.feed(source)
            self.assertEqual((code, "Board" in text), (1, True), f"{source}: {text}")
        code, text = self.feed(f"http://127.0.0.1:{port}/a.ics", 'user = "ann"', 'password_file = "password"')
        self.assertIn("Board", text)
        code, text = self.feed(f"http://127.0.0.1:{port}/a.ics")
        self.assertIn("status 401", text)
        code, text = self.feed(f"http://localhost:{port}/to/http://127.0.0.1:{port}/open.ics?s3cret")
        self.assertIn(f"(read from http://127.0.0.1:{port})", text)
        code, text = self.feed(f"http://localhost:{port}/to/http://127.0.0.1:{port}/none?s3cret")
        self.assertIn(f"cannot ask http://localhost:{port}, which sends to http://127.0.0.1:{port}: status 404", text)
        self.house.write_configuration(self.configuration + '\n[guard.feed]\nkind = "schedule"\nsource = "ftp://a/b"\n')
        refused = house.run(house.BUILD / "gatehouse", "check", "-c", self.house.configuration, check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("'ftp://a/b' is no URL that can be read", " ".join((refused.stdout + refused.stderr).split()))

    def test_a_certificate_must_hold_and_https_never_becomes_http(self):
        code, text = self.feed(f"https://localhost:{self.https}/open.ics")
        self.assertEqual(code, 1)
        self.assertIn("its certificate does not hold", text)
        code, text = self.feed(f"webcals://localhost:{self.https}/open.ics", 'ca_file = "tls.pem"')
        self.assertIn("Board", text)
        code, text = self.feed(f"https://127.0.0.1:{self.https}/open.ics", 'ca_file = "tls.pem"')
        self.assertIn("Board", text)
        code, text = self.feed(f"https://localhost:{self.https}/to/http://localhost:{self.http}/open.ics",
                               'ca_file = "tls.pem"')
        self.assertIn(f"it redirects from https to http://localhost:{self.http}", text)
        code, text = self.feed(f"http://localhost:{self.http}/to/https://localhost:{self.https}/open.ics",
                               'ca_file = "tls.pem"')
        self.assertIn("Board", text)

    def test_no_password_can_be_read_anywhere(self):
        told = []
        for source in (f"http://ann:s3cret@127.0.0.1:{self.http}/none", "http://ann:s3cret@127.0.0.1:1/a.ics?x=t0ken"):
            code, text = self.feed(source)
            self.assertEqual(code, 1)
            refused = self.house.cli("deploy", "rolling", "--pool", "app", "--run", "true", "--min-healthy", "1",
                                     check=False)
            self.assertIn("feed unknown", refused.stdout + refused.stderr)
            told += [text, refused.stdout + refused.stderr]
        told += [self.house.cli("audit", "--json").stdout, (self.house.folder / "gatehouse.log").read_text()]
        for text in told:
            self.assertNotIn("s3cret", text)
            self.assertNotIn("t0ken", text)
        self.assertFalse("s3cret" in self.house.cli("support", "--json").stdout)

    def drip(self, first, again, pause):
        """Starts a server that sends first, and then again, repeatedly, until the client closes."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def talk(connection):
            try:
                with connection:
                    connection.recv(65536)
                    connection.sendall(first)
                    while again:
                        time.sleep(pause)
                        connection.sendall(again)
            except OSError:
                pass

        def accept():
            try:
                while True:
                    threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()
            except OSError:
                pass

        threading.Thread(target=accept, daemon=True).start()
        return listener.getsockname()[1]

    def test_a_server_that_drips_floods_or_leaves_is_given_up_in_time(self):
        status = b"HTTP/1.1 200 OK\r\n"
        cases = [(self.drip(status, b"X-Slow: 1\r\n", 0.5), "no answer in time"),
                 (self.drip(status + b"Content-Length: 9999\r\n\r\n", b"x", 0.5), "no answer in time"),
                 (self.drip(status, b"X-Many: 1\r\n" * 5000, 0), "its answer is not HTTP"),
                 (self.drip(b"", b"", 0), "it closed the connection")]
        for port, said in cases:
            begun = time.monotonic()
            code, text = self.feed(f"http://127.0.0.1:{port}/a.ics")
            self.assertEqual(code, 1)
            self.assertIn(said, text)
            self.assertLess(time.monotonic() - begun, 20, "twice the timeout of 2 s, on a busy machine")
        memory = int(house.process_status(self.house.children()["control"])["VmHWM"].split()[0])
        self.assertLess(memory, 200_000, "kB")

    def test_the_address_that_bbb_conf_prints_is_the_right_one(self):
        for path in ("bigbluebutton/", "bigbluebutton/api/", "bigbluebutton"):
            code, text = self.guard('kind = "bigbluebutton"', f'urls = ["http://localhost:{self.http}/{path}"]',
                                    'secret_file = "bbb.secret"')
            self.assertEqual(code, 0, text)


if __name__ == "__main__":
    house.main("openssl")

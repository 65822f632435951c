"""The API on TCP, with real TLS and certificates made by openssl. The command line runs on another machine (the
servers' namespace), with the tokens and certificates of roles."""

import http.client
import json
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import house
from house import run, wait_until

HOST, PORT = "10.80.0.1", 8443
CONFIGURATION = house.CONFIGURATION.replace("[control]\n", """\
[control]
listen = "10.80.0.1:8443"
certificate = "api.pem"
key = "api.key"
client_ca = "ca.pem"
""")


class Remote(house.SystemTest):
    configuration = CONFIGURATION

    def prepare(self):
        self.house.install()
        self.folder = self.house.folder
        self.authority("ca")
        self.authority("another")
        self.certificate("api", "ca", "gate.example.org", f"subjectAltName=IP:{HOST},DNS:gate.example.org")
        self.certificate("ann", "ca", "ann.example.org", "basicConstraints=CA:FALSE")
        self.certificate("eve", "another", "ann.example.org", "basicConstraints=CA:FALSE")
        self.certificate("bob", "ca", "bob.example.org", "basicConstraints=CA:FALSE")
        shutil.chown(self.folder / "api.key", "root", "gatehouse")
        (self.folder / "api.key").chmod(0o640)
        lines = [run(house.BUILD / "gatehouse", "token", name, "--role", name,
                     "--token-file", self.folder / f"{name}.token").stdout for name in ("read", "operate", "admin")]
        lines.append('[access.ann]\nrole = "operate"\ncertificate = "ann.example.org"\n')
        self.more = "\n".join(lines)
        self.house.write_configuration(self.configuration + "\n" + self.more)

    def openssl(self, *words, **options):
        run("openssl", *words, cwd=self.folder, **options)

    def authority(self, name):
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                     "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}")

    def certificate(self, name, authority, common_name, extension):
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                     "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={common_name}")
        (self.folder / "extension").write_text(extension)
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
                     "-CAcreateserial", "-days", "2", "-extfile", "extension", "-out", f"{name}.pem")

    def remote(self, *words, who=None, ca="ca.pem", host=HOST, check=False):
        """The command line on another machine."""
        credentials = []
        if who in ("read", "operate", "admin", "wrong"):
            credentials = ["--token-file", self.folder / f"{who}.token"]
        elif who:
            credentials = ["--cert", self.folder / f"{who}.pem", "--key", self.folder / f"{who}.key"]
        return run("nsenter", f"--net=/run/netns/{self.house.app}", house.BUILD / "gatehouse", *words, "--host", host,
                   "--ca", self.folder / ca, *credentials, check=check)

    def events(self, kind):
        lines = (self.folder / "gatehouse.log").read_text().splitlines()
        return [event for event in map(json.loads, lines) if event.get("event") == kind]

    def test_each_role_may_do_what_it_may(self):
        self.assertIn("web1", self.remote("status", who="read", check=True).stdout)
        refused = self.remote("fence", "web1", who="read")
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))
        self.assertIn("read may not do this; use a token whose role is operate", refused.stderr)
        self.assertEqual(self.house.nft_elements(), set())
        self.remote("fence", "web1", "--why", "a try", who="operate", check=True)
        self.assertIn("10.80.0.11:80", self.house.nft_elements())
        refused = self.remote("reload", who="operate")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("use a token whose role is admin", refused.stderr)
        self.remote("unfence", "web1", who="ann", check=True)
        self.assertEqual(self.house.nft_elements(), set())
        self.remote("reload", who="admin", check=True)

    def test_the_audit_log_has_who_it_was_and_from_where(self):
        self.remote("fence", "web1", "--why", "a try", who="operate", check=True)
        self.remote("unfence", "web1", who="ann", check=True)
        last, first = self.house.json("audit", "--last", "2")["entries"]
        self.assertEqual((first["who"], first["what"], first["why"]), ("operate", "fence", "a try"))
        self.assertRegex(first["from"], r"^10\.80\.0\.1\d:\d+$")
        self.assertEqual(last["who"], "ann")

    def test_no_caller_gets_in_without_credentials(self):
        (self.folder / "wrong.token").write_text("gh_" + 64 * "0")
        (self.folder / "wrong.token").chmod(0o600)
        for who in (None, "wrong", "bob"):
            with self.subTest(who):
                refused = self.remote("status", who=who)
                self.assertEqual((refused.returncode, refused.stdout), (1, ""))
                self.assertIn("no token or certificate that [access] knows", refused.stderr)
        # A certificate of another authority does not even get a conversation.
        refused = self.remote("status", who="eve")
        self.assertEqual(refused.returncode, 3, refused.stderr)
        # Its alert may be lost with the connection.
        self.assertRegex(refused.stderr, r"it does not know the authority of the certificate in --cert|"
                                         r"its log says whether it refuses \S+/eve.pem")
        self.assertEqual(self.events("audit"), [])
        self.assertTrue(self.events("api")[0]["refused"].startswith("10.80.0.1"))

    def test_a_daemon_that_is_not_the_right_one_is_refused(self):
        refused = self.remote("status", who="read", ca="another.pem")
        self.assertEqual(refused.returncode, 3)
        self.assertIn("cannot reach gatehouse at 10.80.0.1:8443", refused.stderr)
        self.assertIn("name its authority's file with --ca", refused.stderr)
        run("ip", "-n", self.house.name, "address", "add", "10.80.0.99/32", "dev", "servers")
        self.house.write_configuration(self.configuration.replace("10.80.0.1:8443", "0.0.0.0:8443") + "\n" + self.more)
        self.house.daemon.terminate()
        self.house.daemon.wait(20)
        self.house.start_daemon()
        wait_until(lambda: self.remote("status", who="read").returncode == 0, 20, "it serves again")
        refused = self.remote("status", who="read", host="10.80.0.99")
        self.assertEqual(refused.returncode, 3)
        self.assertIn("certificate is not one of that name; give --host a name that it has", refused.stderr)
        refused = self.remote("status", who="read", host=f"{HOST}:9")
        self.assertEqual(refused.returncode, 3)
        self.assertIn("connection refused; is it running, and does 'listen' in its [control] name port 9?",
                      refused.stderr)

    def test_a_reload_changes_who_may_and_the_certificate(self):
        self.remote("status", who="read", check=True)
        without = self.more.replace("[access.read]", "[access.somebody]").replace(
            'role = "read"', 'role = "operate"')
        self.certificate("api", "another", "gate.example.org", f"subjectAltName=IP:{HOST}")
        shutil.chown(self.folder / "api.key", "root", "gatehouse")
        (self.folder / "api.key").chmod(0o640)
        self.house.write_configuration(self.configuration + "\n" + without)
        changed = self.house.json("reload")["changed"]
        self.assertEqual(changed, ["access read: removed", "access somebody: added", "control.certificate: changed",
                                   "control.key: changed"])
        self.assertEqual(self.remote("fence", "web1", who="read").returncode, 3)
        self.remote("fence", "web1", who="read", ca="another.pem", check=True)
        self.assertEqual(self.house.json("audit", "--last", "2")["entries"][0]["who"], "somebody")

    def test_the_self_signed_certificate_of_the_documents_will_do(self):
        page = (house.SOURCE / "docs" / "how-to" / "remote_access.md").read_text()
        command = page[page.index("    openssl req -x509"):page.index("The daemon's certificate must be valid")]
        run("sh", "-e", "-c", command.replace("10.0.0.5", HOST), cwd=self.folder)
        self.house.cli("reload")
        self.remote("status", who="read", ca="api.pem", check=True)

    def test_files_that_do_not_fit_are_refused_with_their_line(self):
        def problems():
            checked = run(house.BUILD / "gatehouse", "check", "-c", self.house.configuration, check=False)
            self.assertEqual(checked.returncode, 2)
            return checked.stderr + checked.stdout

        shutil.copy(self.folder / "ann.key", self.folder / "api.key")
        (self.folder / "api.key").chmod(0o640)
        self.assertIn("it is not that of 'certificate'", problems())
        (self.folder / "api.key").chmod(0o644)
        self.assertIn("can be read by everybody", problems())
        (self.folder / "api.key").write_text("nothing")
        self.assertIn("it holds no key", problems())
        self.house.write_configuration(self.configuration)
        self.assertIn("nobody may use the API there", problems())

    def test_the_firewall_opens_the_port_to_management(self):
        self.house.daemon.terminate()
        self.house.daemon.wait(20)
        self.house.write_configuration(self.configuration + "\n" + self.more + """
[firewall]
enabled = true
management = ["10.80.0.11"]
""")
        self.house.start_daemon()
        wait_until(lambda: self.house.cli("status", check=False).returncode == 0, 20, "it serves again")
        self.house.cli("firewall", "confirm", check=False)
        self.assertEqual(self.house.json("firewall", "status")["management_ports"], [22, 8443])
        inside = ["nsenter", f"--net=/run/netns/{self.house.app}", "curl", "-sk", "-o", "/dev/null", "-w",
                  "%{http_code}", "--max-time", "2", f"https://{HOST}:{PORT}/v1/status"]
        self.assertEqual(run(*inside, "--interface", "10.80.0.11").stdout, "401")
        self.assertEqual(run(*inside, "--interface", "10.80.0.12", check=False).stdout, "000")

    def plain(self, data):
        with socket.create_connection((HOST, PORT), 5) as caller:
            caller.sendall(data)
            answer = b""
            while piece := caller.recv(4096):
                answer += piece
        return answer

    def test_plain_http_on_the_port_is_told_so(self):
        answer = self.plain(b"GET /v1/status HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertIn(b"400 Bad Request", answer)
        self.assertIn(b"this port speaks TLS", answer)
        self.assertEqual(self.plain(b"\x16\x03\x01\x00\x05nonse")[:2], b"\x15\x03")  # an alert

    def https(self, method, path, fields, body=None):
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        caller = http.client.HTTPSConnection(HOST, PORT, context=context, timeout=20)
        caller.request(method, path, body=body, headers=fields)
        answer = caller.getresponse()
        answer.content = answer.read()
        caller.close()
        return answer

    def test_what_a_program_sees(self):
        answer = self.https("GET", "/v1/status", {})
        self.assertEqual((answer.status, answer.headers["WWW-Authenticate"]), (401, 'Bearer realm="gatehouse"'))
        answer = self.https("GET", "/v1/status", {"Authorization": "Basic YTpi"})
        self.assertEqual(answer.status, 401)
        token = (self.folder / "read.token").read_text().strip()
        answer = self.https("GET", "/v1/status", {"Authorization": f"bearer  {token}"})
        self.assertEqual(answer.status, 200)
        self.assertIn("pools", json.loads(answer.content))
        # A refused caller gets its answer before a body is read.
        answer = self.https("POST", "/v1/fence", {"Authorization": "Bearer x", "Content-Length": "1000000"}, b"")
        self.assertEqual(answer.status, 401)
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        with socket.create_connection((HOST, PORT), 5) as caller, self.assertRaises(OSError):
            old.wrap_socket(caller)

    def test_callers_who_say_nothing_are_let_go_and_keep_no_other_out(self):
        idle = [socket.create_connection((HOST, PORT), 5) for _ in range(16)]
        begun = time.monotonic()
        # As many as one address may have: one more makes the oldest go, and callers are heard all the while.
        time.sleep(0.3)
        self.assertEqual(self.https("GET", "/v1/status", {}).status, 401)
        self.assertEqual(idle[0].recv(1), b"")
        self.assertLess(time.monotonic() - begun, 5)
        self.assertEqual(self.remote("status", who="read").returncode, 0)
        # One that drips its handshake byte by byte does not last longer.
        dripping = threading.Thread(target=self.drip, args=(idle[-1],))
        dripping.start()
        for caller in idle[1:-1]:
            caller.settimeout(20)
            self.assertEqual(caller.recv(1), b"")
        self.assertLess(time.monotonic() - begun, 14)
        dripping.join(20)
        self.assertFalse(dripping.is_alive())
        for caller in idle:
            caller.close()
        self.assertEqual(self.remote("status", who="read").returncode, 0)

    def drip(self, caller):
        try:
            for byte in b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + 200 * b"a":
                caller.sendall(bytes([byte]))
                time.sleep(0.3)
        except OSError:
            pass  # let go

    def test_a_deploy_from_another_machine(self):
        deploy = self.remote("deploy", "rolling", "--pool", "app", "--run", "echo {server} from here", "--why", "CI",
                             who="operate")
        self.assertEqual(deploy.returncode, 0, deploy.stdout + deploy.stderr)
        self.assertIn("web2 from here", deploy.stdout)
        history = self.house.json("deploy", "history")["rollouts"]
        self.assertEqual((history[0]["state"], history[0]["who"]), ("done", "operate"))

    def test_events_are_followed_from_another_machine(self):
        command = ["nsenter", f"--net=/run/netns/{self.house.app}", str(house.BUILD / "gatehouse"), "events", "--json",
                   "--host", HOST, "--ca", str(self.folder / "ca.pem"), "--token-file", str(self.folder / "read.token")]
        follower = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (follower.kill(), follower.communicate()))
        seen = []
        reader = threading.Thread(target=lambda: seen.extend(map(json.loads, follower.stdout)))
        reader.start()

        def hears():
            self.house.cli("maintenance", "on", "--why", "a try")
            return any(event["event"] == "maintenance" for event in seen)

        wait_until(hears, 20, "it follows")
        self.house.cli("fence", "web2", "--why", "another try")
        wait_until(lambda: any(event["event"] == "fence" and event["why"] == "another try" for event in seen), 5,
                   "the fence is heard of")
        audit = next(event for event in seen if event["event"] == "audit")
        self.assertEqual((audit["what"], audit["why"]), ("maintenance", "a try"))
        run("kill", "-9", str(self.house.children()["control"]))
        follower.wait(20)
        reader.join(20)
        self.assertEqual(follower.returncode, 3)
        # All of it once more, where it is kept; what another process knew is gone.
        token = (self.folder / "read.token").read_text().strip()
        wait_until(lambda: self.house.cli("status", check=False).returncode == 0, 20, "control is back")
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        caller = http.client.HTTPSConnection(HOST, PORT, context=context, timeout=20)
        caller.request("GET", "/v1/events", headers={"Authorization": f"Bearer {token}", "Last-Event-ID": "1"})
        answer = caller.getresponse()
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "text/event-stream"))
        self.house.cli("unfence", "web2")
        text = b""
        while b"event: audit" not in text:
            text += answer.readline()
        self.assertIn(b"event: missed", text)
        caller.close()

    def test_a_change_need_not_be_waited_for(self):
        token = (self.folder / "operate.token").read_text().strip()
        fields = {"Authorization": f"Bearer {token}", "Prefer": "respond-async", "Content-Type": "application/json"}
        self.house.cli("fence", "web1")
        self.house.servers["web1"].send_signal(signal.SIGSTOP)
        answer = self.https("POST", "/v1/unfence", fields, json.dumps({"servers": ["web1"], "wait_ms": 3000}))
        self.assertEqual(answer.status, 202)
        operation = json.loads(answer.content)["operation"]
        self.assertEqual(answer.headers["Gatehouse-Operation"], str(operation))
        entry = json.loads(self.https("GET", f"/v1/operation?id={operation}", fields).content)
        self.assertEqual((entry["what"], entry["outcome"]), ("unfence", "begun"))
        entry = json.loads(self.https("GET", f"/v1/operation?id={operation}&wait_ms=20000", fields).content)
        self.assertNotEqual(entry["outcome"], "begun")
        self.house.servers["web1"].send_signal(signal.SIGCONT)

    def test_the_port_outlives_control_and_an_upgrade(self):
        children = self.house.children()
        run("kill", "-9", str(children["control"]))
        # Calls meanwhile wait in the socket's queue.
        self.assertEqual(self.remote("status", who="read").returncode, 0)
        upgraded = self.remote("upgrade", "--wait", "60s", who="admin")
        self.assertEqual(upgraded.returncode, 0, upgraded.stderr)
        self.assertEqual(self.remote("status", who="read").returncode, 0)


if __name__ == "__main__":
    house.main()

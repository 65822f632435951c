"""The configuration file, changed through the API as on a machine without a shell: by the built binary, confined and
unprivileged, over the socket and over TLS."""

import http.client
import json
import pathlib
import shutil
import socket
import ssl
import threading
import time

import house
from house import get, run, wait_until

CONFIGURATION = house.CONFIGURATION.replace("[control]\n", """\
[control]
listen = "127.0.0.1:8443"
certificate = "api.pem"
key = "api.key"
""")
MEBIBYTE = 1 << 20


class ConfigApply(house.SystemTest):
    configuration = CONFIGURATION

    def prepare(self):
        self.folder = self.house.folder
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=gate", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.folder / "api.key",
            "-out", self.folder / "api.pem")
        shutil.chown(self.folder / "api.key", "root", "gatehouse")
        (self.folder / "api.key").chmod(0o640)
        lines = [run(house.BUILD / "gatehouse", "token", role, "--role", role, "--token-file",
                     self.folder / f"{role}.token").stdout for role in ("operate", "admin")]
        self.text = self.configuration.format(folder=self.folder) + "\n" + "\n".join(lines)
        self.house.configuration.write_text(self.text)
        self.house.configuration.chmod(0o640)
        shutil.chown(self.house.configuration, "root", "gatehouse")
        self.previous = pathlib.Path(f"{self.house.configuration}.previous")
        self.allow_writing()

    def allow_writing(self):
        shutil.chown(self.folder, "root", "gatehouse")
        self.folder.chmod(0o775)

    def with_third(self):
        return self.text.replace("[pool.app]\nport = 80\nservers = [\"web1\", \"web2\"]",
                                 "[server.web3]\nhost = \"10.80.0.13\"\n\n"
                                 "[pool.app]\nport = 80\nservers = [\"web1\", \"web2\", \"web3\"]")

    def new(self, text):
        file = self.folder / "operators.toml"
        file.write_text(text)
        return file

    def apply(self, text, *words, check=True):
        return self.house.cli("config", "apply", self.new(text), *words, check=check)

    def remote(self, role, *words, check=False):
        return run(house.BUILD / "gatehouse", *words, "--host", "127.0.0.1", "--ca", self.folder / "api.pem",
                   "--token-file", self.folder / f"{role}.token", check=check)

    def at_place(self):
        return self.house.configuration.read_text()

    def left(self):
        return sorted(path.name for path in self.folder.glob("gatehouse.toml*"))

    def test_another_file_is_taken_in_and_back_again(self):
        self.assertEqual(self.house.cli("config", "show").stdout, self.text)
        refused = self.house.cli("config", "rollback", check=False)
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))
        self.assertEqual(refused.stderr, "gatehouse: there is no previous configuration: nothing has been applied yet\n")
        would = self.apply(self.with_third(), "--dry-run").stdout
        self.assertIn("would change server web3: added", would)
        self.assertEqual(self.left(), ["gatehouse.toml"])
        self.assertNotIn("web3", self.house.backends("app"))

        self.house.start_server(3)
        applied = self.apply(self.with_third(), "--why", "a third server").stdout
        self.assertIn("changed server web3: added", applied)
        wait_until(lambda: self.house.states("app").get("web3") == "up", 5, "the third server is there")
        self.assertEqual(self.at_place(), self.with_third())
        self.assertEqual(self.house.cli("config", "show", "--previous").stdout, self.text)
        entry = self.house.configuration.stat()
        self.assertEqual((entry.st_mode & 0o777, entry.st_gid), (0o640, self.previous.stat().st_gid))
        self.assertEqual(self.left(), ["gatehouse.toml", "gatehouse.toml.previous"])

        self.house.cli("config", "rollback", "--why", "not yet")
        self.assertNotIn("web3", self.house.backends("app"))
        self.assertEqual(self.at_place(), self.text)
        self.house.cli("config", "rollback", "--why", "now")
        self.assertIn("web3", self.house.backends("app"))
        entries = self.house.json("audit", "--last", "4")["entries"]
        self.assertEqual([(entry["what"], entry["why"]) for entry in entries[:3]],
                         [("config rollback", "now"), ("config rollback", "not yet"), ("config apply", "a third server")])
        self.assertEqual(entries[2]["request"]["bytes"], len(self.with_third()))
        # What was applied is what a restart finds.
        self.house.daemon.terminate()
        self.house.daemon.wait(20)
        self.house.log.close()
        self.house.start_daemon()
        wait_until(lambda: self.house.states("app").get("web3") == "up", 10, "the third server is there again")

    def test_what_is_wrong_changes_nothing(self):
        bad = self.apply(self.text.replace('pool = "app"', 'pool = "ap"', 1) + "[pool.app\n", check=False)
        self.assertEqual((bad.returncode, bad.stdout), (2, ""))
        self.assertRegex(bad.stderr, r"gatehouse.toml:\d+:\d+: not TOML: ")
        bad = self.apply(self.text.replace('pool = "app"', 'pool = "ap"', 1), "--dry-run", check=False)
        self.assertEqual(bad.returncode, 2)
        self.assertRegex(bad.stderr, r"gatehouse.toml:4:\d+: .*'ap'.*app")
        self.assertEqual(self.at_place(), self.text)
        # No process can listen at that address: the reload is refused, and the file is as it was.
        refused = self.apply(self.text.replace('"0.0.0.0:8080"', '"192.0.2.1:8080"'), check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("192.0.2.1:8080", refused.stderr)
        self.assertTrue(refused.stderr.endswith("the configuration is the one before\n"), refused.stderr)
        self.assertEqual(refused.stderr.count("\n"), 1)
        self.assertEqual(self.at_place(), self.text)
        self.assertEqual(self.left(), ["gatehouse.toml"])
        self.assertEqual(get().status, 200)
        self.house.cli("reload")

    def test_a_folder_that_may_not_be_written_to_is_one_line(self):
        self.folder.chmod(0o755)
        refused = self.apply(self.with_third(), check=False)
        self.assertEqual((refused.returncode, refused.stdout, refused.stderr.count("\n")), (1, "", 1))
        self.assertIn(f"cannot write in {self.folder}: Permission denied; let group gatehouse write there", refused.stderr)
        self.assertEqual(self.at_place(), self.text)
        self.assertNotIn("web3", self.house.backends("app"))
        # And it works as soon as the folder is, without a restart.
        self.allow_writing()
        self.apply(self.with_third())
        self.assertIn("web3", self.house.backends("app"))

    def test_from_another_machine_admins_alone(self):
        file = self.new(self.with_third())
        for words in (("show",), ("apply", file), ("apply", file, "--dry-run"), ("rollback",)):
            refused = self.remote("operate", "config", *words)
            self.assertEqual((refused.returncode, refused.stdout), (1, ""), words)
            self.assertIn("use a token whose role is admin", refused.stderr)
        self.assertEqual(self.at_place(), self.text)
        self.assertEqual(self.remote("admin", "config", "show", check=True).stdout, self.text)
        self.remote("admin", "config", "apply", file, "--why", "ÄÖ & 100 %", check=True)
        self.assertIn("web3", self.house.backends("app"))
        entry = self.house.json("audit", "--last", "1")["entries"][0]
        self.assertEqual((entry["who"], entry["why"], entry["outcome"]), ("admin", "ÄÖ & 100 %", "done"))

    def put(self, body):
        context = ssl.create_default_context(cafile=self.folder / "api.pem")
        connection = http.client.HTTPSConnection("127.0.0.1", 8443, context=context, timeout=20)
        token = (self.folder / "admin.token").read_text().strip()
        connection.request("PUT", "/v1/configuration", body, {"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        answer.content = answer.read()
        connection.close()
        return answer

    def test_a_mebibyte_and_no_more(self):
        longest = (self.with_third() + "#").ljust(MEBIBYTE - 1, "x") + "\n"
        self.assertEqual(self.put(longest).status, 200)
        self.assertEqual(len(self.at_place()), MEBIBYTE)
        answer = self.put(longest + "\n")
        self.assertEqual(answer.status, 413)
        self.assertIn("1024 KiB", json.loads(answer.content)["error"]["why"])
        refused = self.apply(longest + "\n", check=False)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("it holds more than 1024 KiB", refused.stderr)
        self.assertEqual(self.put(longest.replace("x", "\0", 1)).status, 422)
        self.assertEqual(self.put(b"\xff" + longest[1:].encode()).status, 422)
        self.assertEqual(self.at_place(), longest)

    def test_control_killed_in_the_middle_leaves_one_of_the_two(self):
        """Whatever is there is whole, and the daemon runs with it."""
        texts = (self.text, self.with_third())
        files = [self.folder / f"turn-{number}.toml" for number in range(2)]
        for file, text in zip(files, texts):
            file.write_text(text)
        for turn, pause in enumerate((0.0, 0.01, 0.02, 0.03, 0.05)):
            applying = threading.Thread(target=self.house.cli, args=("config", "apply", files[(turn + 1) % 2]),
                                        kwargs={"check": False})
            applying.start()
            time.sleep(pause)  # somewhere in it, wherever that is
            run("kill", "-9", self.house.children()["control"], check=False)
            applying.join()
            wait_until(lambda: self.house.states("app"), 20, "control is back")
            self.assertIn(self.at_place(), texts)
            self.assertEqual("web3" in self.house.backends("app"), self.at_place() == texts[1])
            if self.previous.exists():
                self.assertIn(self.previous.read_text(), texts)
        self.apply(texts[1])
        self.assertIn("web3", self.house.backends("app"))
        self.apply(self.text)
        self.assertEqual(self.previous.read_text(), self.with_third())
        self.assertEqual(self.left(), ["gatehouse.toml", "gatehouse.toml.previous"])


if __name__ == "__main__":
    house.main("openssl")

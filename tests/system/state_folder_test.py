"""A state folder in trouble. While running: fences and the page go on in memory, orders that open something are
refused, and all is written when there is room. At the start: a refusal that says what to do."""

import contextlib
import shutil

from house import SystemTest, get, main, run, wait_until


class StateFolder(SystemTest):
    def prepare(self):
        self.folder = self.house.folder / "state"
        run("mount", "-t", "tmpfs", "-o", "size=8m,mode=0750", "gatehouse-state", self.folder)
        shutil.chown(self.folder, "gatehouse", "gatehouse")
        self.addCleanup(lambda: run("umount", "-l", self.folder, check=False))

    def fill(self):
        with open(self.folder / "ballast", "wb", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(bytes(4096))

    def assert_refused(self, *words):
        answer = self.house.cli(*words, check=False)
        self.assertNotEqual(answer.returncode, 0, answer.stdout)
        line = answer.stderr.strip()
        self.assertEqual(line.count("\n"), 0, line)
        return line

    def folder_state(self):
        return self.house.json("status")["state_folder"]

    def metric(self, name):
        lines = self.house.cli("metrics").stdout.splitlines()
        return [line.split()[-1] for line in lines if line.startswith(f"gatehouse_{name} ")]

    def loosening(self):
        deploy = ("deploy", "rolling", "--pool", "app", "--run", "true")
        return [("unfence", "web1"), ("weight", "web2", "--set", "7"), deploy]

    def check_trouble(self, spoil, mend, says):
        """With web1 fenced, and the folder spoilt while the daemon runs."""
        self.house.cli("fence", "web1", "--pool", "app", "--why", "it stays")
        before = self.house.nft_elements()
        spoil()
        for words in self.loosening():
            with self.subTest(words=words):
                self.assertRegex(self.assert_refused(*words), says)
                self.assertEqual(self.house.nft_elements(), before)
        wait_until(lambda: self.folder_state()["state"] == "trouble", 5, "status tells the trouble")
        self.assertEqual(self.metric("state_folder_ok"), ["0"])
        self.assertIn("state folder", self.house.cli("status").stdout)
        self.house.cli("fence", "web2", "--pool", "app", "--why", "no disk", "--yes")
        self.assertEqual(self.house.states("app"), {"web1": "fenced", "web2": "fenced"})
        self.assertEqual(len(self.house.nft_elements()), len(before) + 1)
        self.assertEqual(get("/").status, 503)
        self.house.cli("maintenance", "on", "app", "--message", "Back soon")
        self.house.cli("maintenance", "off", "app")
        self.assertEqual(self.metric("state_unsaved"), ["1"])
        self.assertIn('"no disk"', (self.house.folder / "gatehouse.log").read_text())
        mend()
        wait_until(lambda: self.folder_state()["state"] == "ok", 10, "what was kept in memory is written")
        self.house.daemon.kill()
        self.house.daemon.wait(20)
        self.house.start_daemon()
        wait_until(lambda: self.house.states("app") == {"web1": "fenced", "web2": "fenced"}, 10, "both fences stand")
        self.house.cli("unfence", "web1", "web2")
        wait_until(lambda: self.house.states("app") == {"web1": "up", "web2": "up"}, 10, "both are open")

    def test_full(self):
        self.check_trouble(self.fill, lambda: (self.folder / "ballast").unlink(), "full|No space")

    def test_gone_and_a_plain_file(self):
        """Not the mount: a folder below it is moved away."""
        inner = self.folder / "inner"
        text = self.house.configuration.read_text()
        self.house.configuration.write_text(text.replace(f'state = "{self.folder}"', f'state = "{inner}"'))
        self.house.daemon.terminate()
        self.house.daemon.wait(20)
        self.house.start_daemon()
        wait_until(lambda: self.house.states("app") == {"web1": "up", "web2": "up"}, 10, "it serves")
        away = self.folder / "away"

        def spoil():
            inner.rename(away)
            inner.write_text("a plain file")

        def mend():
            inner.unlink()
            away.rename(inner)

        self.check_trouble(spoil, mend, "state")

    def refuse_to_start(self, spoil, mend, *says):
        self.house.daemon.terminate()
        self.house.daemon.wait(20)
        spoil()
        self.house.start_daemon()
        self.assertEqual(self.house.daemon.wait(20), 1)
        told = (self.house.folder / "gatehouse.log").read_text().strip().splitlines()
        last = [line for line in told if line.startswith("gatehouse: ")][-1]
        for words in says:
            self.assertIn(words, last)
        mend()
        self.house.start_daemon()
        wait_until(lambda: self.house.states("app") == {"web1": "up", "web2": "up"}, 10, "it serves")

    def test_at_the_start(self):
        self.refuse_to_start(self.fill, lambda: (self.folder / "ballast").unlink(), "full", "make room")
        self.refuse_to_start(lambda: run("mount", "-o", "remount,ro", self.folder),
                             lambda: run("mount", "-o", "remount,rw", self.folder), "read-only", "mount it for writing")
        self.refuse_to_start(lambda: shutil.chown(self.folder, "root", "root"),
                             lambda: shutil.chown(self.folder, "gatehouse", "gatehouse"),
                             "root owns it", "chown gatehouse")

    def test_corrupt(self):
        """Its content is unknown, so the kernel's fences are taken over, and the file stays as it is."""
        self.house.cli("fence", "web1", "--pool", "app", "--why", "it stays")
        self.house.daemon.terminate()
        self.house.daemon.wait(20)
        for left in self.folder.glob("gatehouse.db*"):
            left.unlink()
        (self.folder / "gatehouse.db").write_bytes(b"this is no database" * 1000)
        self.house.start_daemon()
        wait_until(lambda: self.house.states("app") == {"web1": "fenced", "web2": "up"}, 10, "it serves as before")
        line = self.assert_refused("unfence", "web1")
        self.assertIn("nothing was lifted", line)
        self.assertIn("file is not a database", line)
        self.house.cli("fence", "web2", "--pool", "app", "--yes")
        self.assertIn(b"this is no database", (self.folder / "gatehouse.db").read_bytes())


if __name__ == "__main__":
    main()

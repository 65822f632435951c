"""A state folder that is full, read-only or corrupt: each change is refused with a clear line, and nothing is lost."""

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

    def assert_as_it_was(self, fenced):
        self.assertEqual(get("/").status, 200)
        self.assertEqual(self.house.nft_elements(), fenced)
        self.assertEqual(self.house.states("app"), {"web1": "fenced", "web2": "up"})

    def changes(self):
        deploy = ("deploy", "rolling", "--pool", "app", "--run", "true")
        return [("fence", "web2"), ("unfence", "web1"), ("maintenance", "on"), deploy]

    def refuse_and_recover(self, spoil, mend, says):
        self.house.cli("fence", "web1", "--pool", "app", "--why", "it stays")
        fenced = self.house.nft_elements()
        spoil()
        for words in self.changes():
            with self.subTest(words=words):
                self.assertRegex(self.assert_refused(*words), says)
                self.assert_as_it_was(fenced)
        mend()
        self.house.cli("unfence", "web1")
        wait_until(lambda: self.house.states("app")["web1"] == "up", 10, "web1 is open")
        self.house.cli("fence", "web2", "--pool", "app")

    def test_full(self):
        self.refuse_and_recover(self.fill, lambda: (self.folder / "ballast").unlink(), "full|No space")

    def restart_after(self, spoil):
        """With web1 fenced; the daemon does not run while its folder is spoilt."""
        self.house.cli("fence", "web1", "--pool", "app", "--why", "it stays")
        fenced = self.house.nft_elements()
        self.house.daemon.terminate()
        self.house.daemon.wait(20)
        spoil()
        self.house.start_daemon()
        wait_until(lambda: self.house.states("app") == {"web1": "fenced", "web2": "up"}, 10, "it serves as before")
        return fenced

    def test_read_only(self):
        fenced = self.restart_after(lambda: run("mount", "-o", "remount,ro", self.folder))
        for words in self.changes():
            with self.subTest(words=words):
                line = self.assert_refused(*words)
                self.assertIn("readonly", line)
                self.assertIn("let gatehouse's user write", line)
                self.assert_as_it_was(fenced)
        run("mount", "-o", "remount,rw", self.folder)
        self.house.cli("unfence", "web1")
        wait_until(lambda: self.house.states("app")["web1"] == "up", 10, "web1 is open")

    def test_corrupt(self):
        def spoil():
            for left in self.folder.glob("gatehouse.db*"):
                left.unlink()
            (self.folder / "gatehouse.db").write_bytes(b"this is no database" * 1000)

        fenced = self.restart_after(spoil)
        for words in self.changes()[:3]:
            with self.subTest(words=words):
                line = self.assert_refused(*words)
                self.assertIn("file is not a database", line)
                self.assertIn("fences are then taken over from the kernel", line)
                self.assert_as_it_was(fenced)
        self.assertIn(b"this is no database", (self.folder / "gatehouse.db").read_bytes())


if __name__ == "__main__":
    main()

"""What a configuration does not give to an admin of the API, or to a hijacked control process: root's rights, a
person's, a folder of root's, or files elsewhere. """

import pathlib
import pwd

import house
from house import BUILD, CONFIGURATION, get, run

KEY = "-----BEGIN PRIVATE KEY-----\nnobody's\n"


class Authority(house.SystemTest):
    def prepare(self):
        self.house.install()
        self.key = self.house.folder / "api.key"
        self.key.write_text(KEY)
        # As docs/how-to/change_configuration.md has it: control may write beside its configuration.
        for path in (self.house.folder, self.house.configuration):
            path.chmod(path.stat().st_mode | 0o020)
            run("chgrp", "gatehouse", path)

    def fill(self, text):
        return text.format(folder=self.house.folder)

    def apply(self, text):
        file = self.house.folder / "wanted.toml"
        file.write_text(text)
        before = self.house.configuration.read_text()
        done = self.house.cli("config", "apply", file, check=False)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertEqual(self.house.configuration.read_text(), before)
        return done.stderr

    def test_no_process_becomes_root_or_a_person_by_a_configuration(self):
        people = [user.pw_name for user in pwd.getpwall()
                  if user.pw_uid >= 1000 and user.pw_shell in pathlib.Path("/etc/shells").read_text().split()]
        for user in ["root", *people[:1]]:
            text = self.fill(CONFIGURATION).replace('user = "gatehouse"', f'user = "{user}"')
            self.assertIn(f"may not run as '{user}'", self.apply(text))
            file = self.house.folder / "checked.toml"
            file.write_text(text)
            for verb in ("check", "run"):
                done = run(BUILD / "gatehouse", verb, "-c", file, check=False)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertIn(f"may not run as '{user}'", done.stderr)
            self.house.configuration.write_text(text)
            self.assertEqual(self.house.cli("upgrade", check=False).returncode, 1)
            self.house.write_configuration(CONFIGURATION)
        self.assertEqual(self.house.cli("upgrade").returncode, 0)

    def test_user_state_and_socket_are_not_changed_from_afar(self):
        text = self.fill(CONFIGURATION)
        for before, after in (('user = "gatehouse"', 'user = "nobody"'), ('/state"', '/elsewhere"'),
                              ("/control.sock", "/other.sock")):
            said = self.apply(text.replace(before, after))
            self.assertIn("cannot be changed from here", said)
            self.assertIn("as root, edit", said)
        # Root's own change counts, and a rollback does not take it back.
        self.house.cli("config", "apply", self.write("first.toml", text + "# one\n"))
        self.house.configuration.write_text(text.replace('user = "gatehouse"', 'user = "nobody"'))
        done = self.house.cli("config", "rollback", check=False)
        self.assertIn("user of [proxy] cannot be changed from here", done.stderr)

    def write(self, name, text):
        file = self.house.folder / name
        file.write_text(text)
        return file

    def test_no_page_is_a_file_of_elsewhere_or_a_key(self):
        text = self.fill(CONFIGURATION)
        (self.house.folder / "link.html").symlink_to("/etc/passwd")
        (self.house.folder / "key.html").hardlink_to(self.key)
        guard = ('\n[guard.g]\nkind = "bigbluebutton"\nurls = ["https://b.example.org/bigbluebutton"]\n'
                 'secret_file = "api.key"\n')
        self.key.chmod(0o640)
        run("chgrp", "gatehouse", self.key)
        for page, more, why in (("api.key", "", "is no page's name"), ("/etc/passwd", "", "is no page's name"),
                                ("../../etc/passwd", "", "is no page's name"), ("link.html", "", "leads out of"),
                                ("../x.html", "", "leads out of"), ("key.html", guard, "holds secrets"),
                                ("gatehouse.toml", "", "is no page's name")):
            with self.subTest(page=page):
                self.assertIn(why, self.apply(text.replace("maintenance.html", page) + more))
        self.house.cli("maintenance", "on", "app", "--why", "look")
        self.assertIn("Back soon", get(headers={"Accept": "text/html"}).content.decode())

    def test_a_password_is_no_file_of_elsewhere(self):
        text = self.fill(CONFIGURATION) + ('\n[guard.g]\nkind = "schedule"\nsource = "http://10.80.0.11/a"\n'
                                           'user = "a"\npassword_file = "/etc/hostname"\n')
        self.assertIn("leads out of the folder", self.apply(text))

    def test_the_state_folder_is_made_only_where_no_other_user_could_have(self):
        self.house.daemon.terminate()
        self.house.daemon.wait(30)
        shared = self.house.folder / "shared"
        shared.mkdir()
        shared.chmod(0o777)
        for state, made in ((self.house.folder / "a" / "b", self.house.folder / "a"), (shared / "s", shared / "s")):
            text = self.fill(CONFIGURATION).replace(f"{self.house.folder}/state", str(state))
            done = run(BUILD / "gatehouse", "run", "-c", self.write("other.toml", text), check=False)
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn("cannot make the folder", done.stderr)
            self.assertFalse(made.exists())


if __name__ == "__main__":
    house.main()

"""What a change of the configuration reports, and a change on trial. A check that no server passes warns at once, or is
undone before a visitor has seen the page. Without a confirmation the change is undone, also when control dies."""

import os
import re
import shutil
import signal
import subprocess
import time

import house
from house import get, wait_until

CONFIGURATION = house.CONFIGURATION.replace('"1s"', '"200ms"').replace('"500ms"', '"200ms"')
WRONG = CONFIGURATION.replace("expect = 200", "expect = 204")


class Trial(house.SystemTest):
    configuration = CONFIGURATION

    def prepare(self):
        self.house.install()
        shutil.chown(self.house.folder, "root", "gatehouse")
        self.house.folder.chmod(0o775)
        self.text = self.house.configuration.read_text()

    def filled(self, text):
        return text.format(folder=self.house.folder)

    def apply(self, text, *words, check=True):
        file = self.house.folder / "operators.toml"
        file.write_text(self.filled(text))
        return self.house.cli("config", "apply", file, *words, check=check)

    def at_place(self):
        return self.house.configuration.read_text()

    def trial(self):
        return self.house.json("status")["trial"]

    def wrk(self, seconds):
        return subprocess.Popen(house.TIED + ["wrk", "-t1", "-c8", f"-d{seconds}s", "http://127.0.0.1:8080/"],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def test_a_check_that_no_server_passes_is_warned_of_at_once(self):
        applied = self.apply(WRONG)
        self.assertIn("changed pool app: check changed", applied.stdout)
        self.assertRegex(applied.stderr, r"^gatehouse: warning: pool app: no server passes its check "
                                         r"\(web1: 200 instead of 204, web2: 200 instead of 204\)\n$")
        self.assertEqual(get().status, 503, "it was told to")
        back = self.house.json("config", "rollback")
        self.assertEqual(back["warnings"], [])
        wait_until(lambda: get().status == 200, 5, "the site is back")

    def test_a_hangup_warns_in_the_log_and_is_refused_while_something_is_on_trial(self):
        log = self.house.folder / "gatehouse.log"
        self.house.write_configuration(WRONG)
        self.house.daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: '"event":"reload","warnings":["pool app: no server passes' in log.read_text(), 5, "a warning")
        self.house.write_configuration(CONFIGURATION)
        self.house.cli("reload")
        self.house.write_configuration(CONFIGURATION.replace("fall = 2", "fall = 3"))
        self.house.cli("reload", "--confirm", "60s")
        self.house.daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: '"error":"another change waits to be confirmed' in log.read_text(), 5, "a refusal")

    def test_on_trial_it_goes_back_before_any_visitor_sees_the_page(self):
        load = self.wrk(3)
        time.sleep(0.5)
        refused = self.apply(WRONG, "--confirm", "60s", "--why", "a try", check=False)
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))
        self.assertRegex(refused.stderr, r"^gatehouse: the configuration before is back: pool app: no server passes its "
                                         r"check \(web1: 200 instead of 204.*; mend it, and apply it again\n$")
        output = load.communicate(timeout=30)[0]
        print(output)
        self.assertNotIn("Non-2xx", output)
        self.assertNotIn("Socket errors", output)
        self.assertEqual(self.at_place(), self.text)
        self.assertIsNone(self.trial())
        self.assertEqual(self.house.states("app"), {"web1": "up", "web2": "up"})
        log = (self.house.folder / "gatehouse.log").read_text()
        self.assertRegex(log, r'"event":"configuration","state":"on trial","who":"\w+.*"why":"a try","until"')
        self.assertRegex(log, r'"event":"configuration","state":"gone back","why":"pool app: no server passes')

    def test_it_goes_back_when_nobody_confirms_and_stays_when_somebody_does(self):
        good = CONFIGURATION.replace("fall = 2", "fall = 3")
        applied = self.apply(good, "--confirm", "1s")
        self.assertRegex(applied.stdout, r"on trial until .*, then the one before comes\s+back")
        self.assertEqual(applied.stderr, "")
        self.assertIn("configuration on trial", self.house.cli("status").stdout)
        shown = self.house.cli("config", "show")
        self.assertEqual(shown.stdout, self.filled(good))
        self.assertIn("on trial until", shown.stderr)
        wait_until(lambda: self.trial() is None, 5, "its time is over")
        self.assertEqual(self.at_place(), self.text)
        late = self.house.cli("config", "confirm", check=False)
        self.assertEqual(late.returncode, 1)
        self.assertIn("nothing to confirm", late.stderr)
        self.apply(good, "--confirm", "2s")
        other = self.apply(CONFIGURATION, check=False)
        self.assertEqual(other.returncode, 1)
        self.assertIn("another change waits to be confirmed", other.stderr)
        self.house.cli("config", "confirm", "--why", "it works")
        self.assertIsNone(self.trial())
        time.sleep(2.5)
        self.assertEqual(self.at_place(), self.filled(good))
        self.assertEqual(self.house.cli("config", "show", "--previous").stdout, self.text)

    def test_a_reload_on_trial_goes_back_too_and_the_file_with_it(self):
        self.house.write_configuration(CONFIGURATION.replace("fall = 2", "fall = 3"))
        self.house.cli("reload", "--confirm", "1s")
        self.assertIsNotNone(self.trial())
        wait_until(lambda: self.trial() is None, 5, "its time is over")
        self.assertEqual(self.at_place(), self.text)
        self.house.write_configuration(CONFIGURATION.replace("fall = 2", "fall = 4"))
        self.house.cli("reload", "--confirm", "30s")
        self.house.cli("config", "rollback")
        self.assertIsNone(self.trial())
        self.assertEqual(self.at_place(), self.text)

    def test_a_folder_that_may_not_be_written_to_is_no_place_for_a_trial(self):
        self.house.folder.chmod(0o755)
        self.house.write_configuration(CONFIGURATION.replace("fall = 2", "fall = 3"))
        refused = self.house.cli("reload", "--confirm", "30s", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("let group gatehouse write there", refused.stderr)
        self.assertIsNone(self.trial())

    def test_what_is_on_trial_goes_back_though_control_was_killed(self):
        self.apply(CONFIGURATION.replace("fall = 2", "fall = 3"), "--confirm", "3s")
        os.kill(self.house.children()["control"], signal.SIGKILL)
        wait_until(lambda: self.house.cli("status", check=False).returncode == 0, 10, "control is back")
        wait_until(lambda: self.at_place() == self.text, 10, "and takes the change back")
        wait_until(lambda: self.trial() is None, 5, "nothing is on trial")

    def test_what_is_on_trial_goes_back_after_a_restart_of_everything(self):
        self.apply(CONFIGURATION.replace("fall = 2", "fall = 3"), "--confirm", "2s")
        self.house.daemon.terminate()
        self.house.daemon.wait(20)
        self.house.log.close()
        self.house.start_daemon()
        wait_until(lambda: self.at_place() == self.text, 10, "the change is taken back")
        wait_until(lambda: self.house.states("app") == {"web1": "up", "web2": "up"}, 10, "both up")

    def test_changes_have_their_names(self):
        """Guards, recipes and secrets, which no listener and no pool shows."""
        secret = self.house.folder / "bbb.secret"
        secret.write_text("first\n")
        shutil.chown(secret, "root", "gatehouse")
        secret.chmod(0o640)
        guard = ('\n[guard.bbb]\nkind = "bigbluebutton"\nurls = ["http://127.0.0.1:9/api"]\nsecret_file = "bbb.secret"\n'
                 '\n[deploy.site]\npool = "app"\nrun = "true {{server}}"\n')
        self.assertEqual(self.house.json("reload")["changed"], [])
        self.house.write_configuration(CONFIGURATION + guard)
        self.assertEqual(self.house.json("reload")["changed"], ["recipe site: added", "guard bbb: added"])
        secret.write_text("second\n")
        changed = self.house.json("reload")
        self.assertEqual(changed["changed"], ["guard bbb: secret changed"])
        dry = self.apply(CONFIGURATION + guard.replace('run = "true', 'run = "false'), "--dry-run").stdout
        self.assertEqual(dry, "would change recipe site: run changed\nvalid; nothing was written\n")
        comment = self.apply(CONFIGURATION + guard + "# a comment\n").stdout
        self.assertNotIn("nothing", comment)
        self.assertIn("says the same as before", comment)

    def test_an_upgrade_takes_in_what_a_reload_says_it_does(self):
        self.house.write_configuration(CONFIGURATION.replace("workers = 2", "workers = 3"))
        self.assertEqual(self.house.json("reload")["changed"],
                         ["proxy.workers: takes effect at the next gatehouse upgrade"])
        self.assertEqual(self.house.json("status")["workers"], 2)
        self.house.cli("upgrade")
        self.assertEqual(self.house.json("status")["workers"], 3)


if __name__ == "__main__":
    house.main()

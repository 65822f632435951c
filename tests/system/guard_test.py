"""The real, confined daemon asks guards, and a deploy follows them."""

import datetime
import http.server
import json
import os
import shutil
import threading
import unittest.mock

import house

NONE = "<response><returncode>SUCCESS</returncode><meetings/><messageKey>noMeetings</messageKey></response>"
ONE = ("<response><returncode>SUCCESS</returncode><meetings><meeting><meetingID>1</meetingID>"
       "<participantCount>4</participantCount></meeting></meetings></response>")


class BigBlueButton(http.server.BaseHTTPRequestHandler):
    answer = NONE
    served = 0

    def do_GET(self):
        body = self.answer.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        BigBlueButton.served += 1

    def log_message(self, *words):
        pass


class Guards(house.SystemTest):
    configuration = house.CONFIGURATION + """
[guard.meetings]
kind = "bigbluebutton"
urls = ["http://localhost:8090/bigbluebutton/api"]
secret_file = "bbb.secret"
timeout = "2s"
"""

    def prepare(self):
        secret = self.house.folder / "bbb.secret"
        secret.write_text("the shared secret\n")
        secret.chmod(0o640)
        shutil.chown(secret, "root", "gatehouse")
        self.serve()

    def serve(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 8090), BigBlueButton)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.end)

    def end(self):
        self.server.shutdown()
        self.server.server_close()

    def deploy(self, *flags):
        return self.house.cli("deploy", "rolling", "--pool", "app", "--run", "true", "--min-healthy", "1", *flags,
                              check=False)

    def test_a_meeting_forbids_a_deploy_and_its_end_allows_it(self):
        BigBlueButton.answer = ONE
        with unittest.mock.patch.dict(os.environ, COLUMNS="80"):
            asked = self.house.cli("guard", check=False)
        self.assertEqual(asked.returncode, 1, asked.stdout + asked.stderr)
        self.assertIn("1 meeting, 4 participants", " ".join(asked.stdout.split()))
        self.assertTrue(all(len(line) <= 80 for line in asked.stdout.splitlines()), asked.stdout)
        refused = self.deploy()
        self.assertEqual(refused.returncode, 1)
        self.assertIn("a guard forbids it", refused.stderr)
        self.assertNotIn("checksum", refused.stderr + asked.stdout)
        BigBlueButton.answer = NONE
        self.assertEqual(self.house.cli("guard").returncode, 0)
        self.assertEqual(self.deploy().returncode, 0)

    def test_what_is_said_of_now_and_of_a_time_to_come_is_what_can_be_known(self):
        BigBlueButton.answer = ONE
        self.house.write_configuration(self.configuration + """
[guard.nights]
kind = "windows"
forbid = ["Thu 00:00-06:00"]
timezone = "Europe/Berlin"
""")
        self.house.cli("reload")
        day = datetime.date.today() + datetime.timedelta(days=8)
        friday = day + datetime.timedelta(days=(4 - day.weekday()) % 7)
        later = self.house.cli("guard", "--at", f"{friday}T12:00:00Z", check=False)
        text = " ".join(later.stdout.split())
        self.assertEqual(later.returncode, 0, text)
        self.assertIn("who meets then cannot be known", text)
        self.assertRegex(text, r"a deploy at \d+-\d+-\d+ 1[34]:00 CES?T may start")
        thursday = friday - datetime.timedelta(days=1)
        night = " ".join(self.house.cli("guard", "--at", f"{thursday}T01:30:07Z", check=False).stdout.split())
        self.assertRegex(night, rf"{thursday} 0[23]:30 CES?T is a forbidden window")
        self.assertRegex(night, rf"windows and schedules leave it free from {thursday} 06:00 CES?T")
        self.house.write_configuration(self.configuration)
        self.house.cli("reload")
        now = self.house.cli("guard", check=False)
        self.assertEqual(now.returncode, 1)
        self.assertNotIn("leave it free from", " ".join(now.stdout.split()))
        self.assertIn("ask again when the meeting has ended", " ".join(now.stdout.split()))
        self.assertIsNone(json.loads(self.house.cli("guard", "--json", check=False).stdout)["next_free"])

    def test_a_meeting_that_begins_meanwhile_stops_before_the_next_server(self):
        BigBlueButton.answer = NONE
        command = f"while ! [ -e {self.house.folder}/go ]; do sleep 0.05; done"
        result = []
        deploy = threading.Thread(target=lambda: result.append(self.house.cli(
            "deploy", "rolling", "--pool", "app", "--run", command, check=False)))
        deploy.start()
        house.wait_until(lambda: "web1" in self.house.cli("rules").stdout, 20, "the first server is fenced")
        BigBlueButton.answer = ONE
        (self.house.folder / "go").touch()
        deploy.join(60)
        self.assertEqual(result[0].returncode, 1, result[0].stdout)
        self.assertIn("guard web2: failed: meetings blocked", result[0].stdout)
        self.assertEqual(self.house.nft_elements(), set(), "web1 is open again, web2 was never fenced")

    def running(self):
        status = self.house.cli("deploy", "status", "--json", check=False)
        return [step["kind"] for step in json.loads(status.stdout)["steps"] if step["progress"] == "running"] \
            if status.returncode == 0 else []

    def test_a_deploy_may_wait_for_the_end_of_a_meeting(self):
        BigBlueButton.answer = ONE
        result = []
        before = BigBlueButton.served
        deploy = threading.Thread(target=lambda: result.append(self.deploy("--at", "1s", "--wait", "60s")))
        deploy.start()
        # Asked for the order, and again when its time has come.
        house.wait_until(lambda: BigBlueButton.served >= before + 2 and self.running() == ["guard"], 20, "it waits")
        self.assertEqual(self.house.nft_elements(), set())
        BigBlueButton.answer = NONE
        deploy.join(60)
        self.assertEqual(result[0].returncode, 0, result[0].stdout)
        self.assertIn("guard web1: waits: meetings blocked", result[0].stdout)
        BigBlueButton.answer = ONE
        late = self.deploy("--expires", "1s")
        self.assertEqual(late.returncode, 4)
        self.assertIn("it expired at", late.stdout)
        self.assertEqual(self.house.json("deploy", "status")["state"], "aborted")
        waited = self.deploy("--wait", "1s")
        self.assertEqual(waited.returncode, 4, waited.stdout)
        self.assertIn("resume waits for the guards again", waited.stdout)
        self.assertIn("no other deploy can start", waited.stdout)

    def test_a_guard_that_cannot_be_asked_forbids_it_unless_overridden(self):
        self.end()
        refused = self.deploy()
        self.assertEqual(refused.returncode, 1)
        self.assertIn("meetings unknown", refused.stderr)
        overridden = self.deploy("--override", "BigBlueButton is down, nobody meets")
        self.assertEqual(overridden.returncode, 0, overridden.stdout + overridden.stderr)
        self.assertIn("guards overridden: BigBlueButton is down",
                      " ".join(self.house.cli("deploy", "report").stdout.split()))
        audit = [entry for entry in self.house.json("audit", "--last", "20")["entries"] if entry["what"] == "deploy"]
        self.assertEqual(audit[0]["request"]["override"], "BigBlueButton is down, nobody meets")
        self.assertEqual((audit[0]["who"], audit[0]["from"], audit[0]["outcome"]), ("root", "unix", "done"))
        self.assertIn("meetings unknown", audit[1]["outcome"])


if __name__ == "__main__":
    house.main()

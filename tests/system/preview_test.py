"""Testers see the site behind the maintenance page, by hand and in a deploy, while visitors see the page."""

import subprocess
import sys

import house
import web_site as site
from house import get, main, wait_until


class Preview(house.SystemTest):
    configuration = site.CONFIGURATION.replace(
        'page = "maintenance.html"', 'page = "maintenance.html"\nbypass = ["10.80.0.0/24"]\n'
        'bypass_cookie = "preview=4711"\nbypass_header = "X-Preview: let me in"')

    def prepare(self):
        self.folder = self.house.folder
        self.house.start = self.start
        for server in site.SERVERS:
            site.start(self.folder, self.house.app, server, "1.0", 0)

    def start(self):
        self.house.start_daemon()
        up = {server: "up" for server in site.SERVERS}
        wait_until(lambda: self.house.states("app") == up, 20, "all servers up")
        return self.house

    def assert_seen(self, release):
        """By testers; by visitors, where release is None, only the page."""
        for headers in ({"Cookie": "a=b; preview=4711"}, {"X-Preview": "let me in"}):
            answer = get(headers=headers)
            self.assertEqual(answer.status, 200, headers)
            self.assertIn(f"release {release}".encode(), answer.content)
        for headers in ({}, {"Cookie": "preview=4712"}, {"X-Preview": "please"}):
            answer = get(headers=headers)
            self.assertEqual(answer.status, 503, headers)
            self.assertIn(b"Back soon", answer.content)

    def test_behind_a_page_by_hand(self):
        self.house.cli("maintenance", "on", "app", "--why", "moving house")
        self.assert_seen("1.0")
        self.house.cli("maintenance", "off")
        self.assertEqual(get().status, 200)

    def test_before_a_deploy_shows_its_site(self):
        program = f"{sys.executable} {site.__file__}"
        run = f"{program} restart {self.folder} {self.house.app} {{server}} 2.0 0.2 0.1"
        words = [house.BUILD / "gatehouse", "deploy", "maintenance", "--pool", "app", "--run", run, "--expect-body",
                 "release 2.0", "--preview", "--socket", f"{self.folder}/control.sock"]
        deploy = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60)
        self.assertEqual(deploy.returncode, 0, deploy.stdout + deploy.stderr)
        self.assertNotIn("tries again", deploy.stdout)
        self.assertIn("testers look; gatehouse deploy resume shows the site to all", deploy.stdout)
        self.assert_seen("2.0")
        resumed = self.house.cli("deploy", "resume", "--why", "it looks fine")
        self.assertIn("done", resumed.stdout)
        answer = get()
        self.assertEqual(answer.status, 200)
        self.assertIn(b"release 2.0", answer.content)


if __name__ == "__main__":
    main()

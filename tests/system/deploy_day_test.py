"""A deploy day: rolling deploys under load while a second operator fences, unfences, pauses and resumes at random. No
request fails. No command runs while its server is open. No deploy lifts a fence of the operator's.

GATEHOUSE_DEPLOY_DAY_SECONDS makes it longer, GATEHOUSE_DEPLOY_DAY_SEED repeats its choices.
"""

import os
import random
import re
import subprocess
import sys
import time

import house
from house import BUILD, main, wait_until

SECONDS = int(os.environ.get("GATEHOUSE_DEPLOY_DAY_SECONDS", "20"))
SEED = int(os.environ.get("GATEHOUSE_DEPLOY_DAY_SEED", str(random.randrange(1 << 31))))
SERVERS = ["web1", "web2", "web3", "web4"]

# A deploy's command: it checks again and again that its server is fenced, and reports where it is not.
COMMAND = """\
import json, subprocess, sys, time
gatehouse, socket, host, port, told = sys.argv[1:]
for _ in range(4):
    rules = subprocess.run([gatehouse, "rules", "--json", "--socket", socket], capture_output=True, text=True)
    fences = json.loads(rules.stdout)["fences"] if rules.returncode == 0 else None
    if fences is not None and not any(f["address"] == f"{host}:{port}" and not f["drift"] for f in fences):
        open(told, "a").write(f"{host} open at {time.time()}\\n")
    time.sleep(0.1)
"""


class DeployDay(house.SystemTest):
    # Checks so frequent that an opened server is eligible again well before the next step.
    configuration = house.CONFIGURATION.replace(
        'interval = "1s", timeout = "500ms"', 'interval = "200ms", timeout = "200ms"'
    )

    def prepare(self):
        self.own = None  # the server that the operator has fenced
        self.under_way = []
        self.told = self.house.folder / "open_under_a_command"
        script = self.house.folder / "command.py"
        script.write_text(COMMAND)
        self.run = (f"{sys.executable} {script} {BUILD / 'gatehouse'} {self.house.folder}/control.sock "
                    f"{{host}} {{port}} {self.told}")

    def add_servers(self):
        for number in (3, 4):
            self.house.start_server(number)
        two = '[pool.app]\nport = 80\nservers = ["web1", "web2"]'
        four = ('[server.web3]\nhost = "10.80.0.13"\n\n[server.web4]\nhost = "10.80.0.14"\n\n'
                '[pool.app]\nport = 80\nservers = ["web1", "web2", "web3", "web4"]')
        self.house.write_configuration(self.configuration.replace(two, four))
        self.house.cli("reload")
        wait_until(lambda: all(self.house.states("app").get(name) == "up" for name in SERVERS), 20, "all four are up")

    def begin(self, *words):
        command = [BUILD / "gatehouse", *words, "--socket", f"{self.house.folder}/control.sock"]
        started = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   stdin=subprocess.DEVNULL)
        self.under_way.append(started)

    def state(self):
        shown = self.house.cli("deploy", "status", "--json", check=False).stdout
        found = re.search(r'"state": ?"(\w+)"', shown)
        return found.group(1) if found else "none"

    def fence_of(self, server):
        return self.house.backends("app")[server]["fence"]

    def act(self, chance):
        """One order of the second operator; at most one fence of the operator's stands."""
        done = chance.choice(["fence", "fence", "unfence", "unfence other", "pause", "resume", "resume", "look"])
        if done == "fence" and not self.own:
            server = chance.choice(SERVERS)
            if self.house.cli("fence", server, "--pool", "app", "--why", "mine", "--yes", check=False).returncode == 0:
                self.own = server
        elif done == "unfence" and self.own:
            self.assert_mine()
            self.house.cli("unfence", self.own, "--pool", "app", check=False)
            self.own = self.own if (self.fence_of(self.own) or {}).get("why") == "mine" else None
        elif done == "unfence other":
            server = chance.choice(SERVERS)
            if server != self.own:
                self.house.cli("unfence", server, "--pool", "app", check=False)
        elif done == "pause":
            self.house.cli("deploy", "pause", check=False)
        elif done == "resume" and self.state() == "paused":
            self.begin("deploy", "resume")
        elif self.own:
            self.assert_mine()

    def assert_mine(self):
        fence = self.fence_of(self.own)
        self.assertIsNotNone(fence, f"the operator's fence of {self.own} is gone")
        self.assertEqual((fence["why"], fence["owner"]["kind"]), ("mine", "operator"))

    def test_a_second_operator_under_load(self):
        self.add_servers()
        print(f"seed {SEED}")
        chance = random.Random(SEED)
        wrk = self.visit(SECONDS, 10)  # three thousand requests a second, on a machine that does nothing else
        ended = 0
        acts = 0
        try:
            while wrk.poll() is None:
                state = self.state()
                if state not in ("running", "paused"):
                    ended += state == "done"
                    self.begin("deploy", "rolling", "--pool", "app", "--run", self.run, "--min-healthy", "1")
                    time.sleep(0.2)
                self.act(chance)
                acts += 1
                time.sleep(chance.uniform(0, 0.3))
            output = wrk.communicate(timeout=20)[0]
        finally:
            for started in self.under_way:
                started.kill()
                started.wait()
        print(output)
        print(f"{acts} acts, {ended} rollouts done")
        self.assertNotIn("Socket errors", output)
        self.assertNotIn("Non-2xx", output)
        self.assertGreater(float(re.search(r"Requests/sec: +([\d.]+)", output).group(1)), 1000)
        self.assertFalse(self.told.exists(), self.told.exists() and self.told.read_text())
        if self.own:
            self.assert_mine()


if __name__ == "__main__":
    main()

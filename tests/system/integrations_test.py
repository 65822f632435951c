"""Deploys as sites begin them: by ssh, by Capistrano, and by a timer of systemd, with the examples that we ship. The
servers' namespace has an sshd, behind which a restart finds out by itself which server it is on."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import house
import web_site as site
from house import run, wait_until

EXAMPLES = house.SOURCE / "appliance" / "examples"
SSHD = """\
Port 2222
HostKey {folder}/host.key
AuthorizedKeysFile {folder}/id.pub
PidFile none
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
"""
SSH = """\
Host *
Port 2222
User root
IdentityFile {folder}/id
IdentitiesOnly yes
StrictHostKeyChecking no
UserKnownHostsFile /dev/null
LogLevel ERROR
"""
RESTART = """\
#!/bin/sh -e
# The address that the connection came to says which server this is: 10.80.0.11 is web1.
set -- "$1" $SSH_CONNECTION
exec {python} {program} restart {folder} {namespace} web$((${{4##*.}} - 10)) "$1" 0.5 0.2
"""
CAPFILE = """\
require "capistrano/setup"
require "capistrano/deploy"
require "capistrano/scm/git"
install_plugin Capistrano::SCM::Git
Dir.glob("lib/capistrano/tasks/*.rake").each { |file| import file }
"""
DEPLOY_RB = """\
set :application, "shop"
set :branch, "3.0"
set :gatehouse, %w[{gatehouse} --socket {folder}/control.sock]
set :gatehouse_restart, "{folder}/restart 3.0"
set :gatehouse_flags, -> {{ ["--expect-body", "release #{{fetch(:branch)}}"] }}
set :ssh_options, {{ config: false, port: 2222, user: "root", keys: ["{folder}/id"], verify_host_key: :never }}
"""


class Integrations(house.SystemTest):
    configuration = site.CONFIGURATION + """
[deploy.app]
pool = "app"
run = "ssh -F {folder}/ssh_config {{host}} {folder}/restart 2.0"
expect_body = "release 2.0"
"""

    def prepare(self):
        self.folder = self.house.folder
        self.house.start = self.start
        for server in site.SERVERS:
            site.start(self.folder, self.house.app, server, "1.0", 0)
        for key in ("id", "host.key"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / key)
        (self.folder / "sshd_config").write_text(SSHD.format(folder=self.folder))
        (self.folder / "ssh_config").write_text(SSH.format(folder=self.folder))
        restart = self.folder / "restart"
        restart.write_text(RESTART.format(python=sys.executable, program=site.__file__, folder=self.folder,
                                          namespace=self.house.app))
        restart.chmod(0o755)
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)
        sshd = subprocess.Popen(house.TIED + ["ip", "netns", "exec", self.house.app, shutil.which("sshd"), "-D", "-f",
                                              str(self.folder / "sshd_config")], stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (sshd.kill(), sshd.wait()))

    def start(self):
        self.house.start_daemon()
        up = {server: "up" for server in site.SERVERS}
        wait_until(lambda: self.house.states("app") == up, 20, "all servers up")
        return self.house

    def assert_deployed(self, release):
        for server in site.SERVERS:
            self.assertEqual((self.folder / server / "runs").read_text().split(), [release], server)
            self.assertIn(f"release {release}", (self.folder / server / "www" / "index.html").read_text())
        self.assertEqual(self.house.nft_elements(), set())

    def test_a_recipe_over_plain_ssh(self):
        deploy = self.house.cli("deploy", "rolling", "app", "--why", "2.0")
        self.assertIn("web4 runs 2.0", deploy.stdout)
        self.assert_deployed("2.0")

    def test_capistrano_restarts_one_server_after_the_other(self):
        project = self.folder / "project"
        (project / "config" / "deploy").mkdir(parents=True)
        (project / "lib" / "capistrano" / "tasks").mkdir(parents=True)
        shutil.copy(EXAMPLES / "capistrano" / "rolling.rake", project / "lib" / "capistrano" / "tasks")
        (project / "Capfile").write_text(CAPFILE)
        (project / "config" / "deploy.rb").write_text(DEPLOY_RB.format(
            gatehouse=house.BUILD / "gatehouse", folder=self.folder))
        (project / "config" / "deploy" / "production.rb").write_text("".join(
            f'server "10.80.0.{10 + number}", roles: :app\n' for number in (1, 2, 3, 4)))
        environment = dict(os.environ, HOME=str(self.folder), LANG="C.UTF-8")
        deploy = run("cap", "production", "gatehouse:rolling", cwd=project, env=environment, check=False, timeout=100)
        self.assertEqual(deploy.returncode, 0, deploy.stdout + deploy.stderr)
        self.assert_deployed("3.0")
        self.assertEqual(self.house.json("deploy", "history")["rollouts"][0]["why"], "shop 3.0")

    def test_a_timer_of_systemd(self):
        units = self.folder / "units"
        shutil.copytree(EXAMPLES / "systemd", units)
        service = units / "gatehouse-deploy.service"
        text = service.read_text()
        service.write_text(text.replace("/usr/bin/gatehouse", str(house.BUILD / "gatehouse")))
        verified = run("systemd-analyze", "verify", "--man=no", *sorted(units.iterdir()), check=False)
        self.assertEqual((verified.returncode, verified.stdout + verified.stderr), (0, ""))
        when = re.search(r"OnCalendar=(.*)", (units / "gatehouse-deploy.timer").read_text()).group(1)
        self.assertIn("Next elapse", run("systemd-analyze", "calendar", when).stdout)
        # What it starts, with the environment of its unit but for the daemon's place.
        words = shlex.split(re.search(r"ExecStart=/usr/bin/gatehouse (.*)", text).group(1))
        recipes = self.folder / "recipes.toml"
        recipes.write_text(self.configuration.format(folder=self.folder))
        deploy = self.house.cli(*(str(recipes) if word.endswith("recipes.toml") else word for word in words))
        self.assertIn("web4 runs 2.0", deploy.stdout)
        self.assert_deployed("2.0")


if __name__ == "__main__":
    house.main("cap", "sshd", "ssh", "ssh-keygen", "systemd-analyze")

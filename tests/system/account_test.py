"""The daemon as systemd starts it in the image: never root, with the two capabilities that it needs."""

import shutil

import house
from house import get, process_status, wait_until

NEEDED = "-all,+net_admin,+net_bind_service"


class Account(house.SystemTest):
    configuration = house.CONFIGURATION.replace("0.0.0.0:8080", "0.0.0.0:80", 1)

    def prepare(self):
        self.house.install()
        for path in (self.house.folder, *self.house.folder.iterdir()):
            shutil.chown(path, "gatehouse", "gatehouse")
        self.house.through = ["setpriv", "--reuid=gatehouse", "--regid=gatehouse", "--clear-groups", "--no-new-privs",
                              f"--inh-caps={NEEDED}", f"--ambient-caps={NEEDED}", f"--bounding-set={NEEDED}",
                              "--pdeathsig=TERM"]

    def test_it_serves_fences_and_becomes_another_program_without_root(self):
        self.assertEqual(get(address=("127.0.0.1", 80)).status, 200)
        for pid in (self.house.daemon.pid, *self.house.children().values()):
            self.assertNotIn("0", process_status(pid)["Uid"].split())
        net_admin = f"{1 << 12:016x}"
        for role, pid in self.house.children().items():
            self.assertEqual(process_status(pid)["CapEff"], net_admin if role == "fence" else "0" * 16, role)
            self.assertEqual(process_status(pid)["CapAmb"], "0" * 16, role)
        self.house.cli("fence", "web1", "--why", "without root")
        self.assertEqual({get(address=("127.0.0.1", 80)).getheader("X-Served-By") for _ in range(10)}, {"web2"})
        self.house.cli("upgrade")
        self.assertEqual(self.house.json("rules")["fences"][0]["why"], "without root")
        self.house.cli("unfence", "web1", "--wait", "20s")
        wait_until(lambda: self.house.states("app")["web1"] == "up", 10, "web1 is up")


if __name__ == "__main__":
    house.main()

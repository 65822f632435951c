"""The largest pool that a configuration may have: all of it is checked, reloaded and fenced."""

import subprocess

from house import BUILD, TIED, House, SystemTest, get, main, wait_until

COUNT = 1024  # Bounds::backends of appliance/config


def address_of(number):
    return f"127.8.{number // 250}.{number % 250 + 1}"


def configuration(count):
    servers = "".join(f'[server.s{number}]\nhost = "{address_of(number)}"\n' for number in range(count))
    names = ", ".join(f'"s{number}"' for number in range(count))
    return (
        f'[listen.web]\naddress = "127.0.0.1:8080"\npool = "app"\n{servers}'
        f"[pool.app]\nport = 80\nservers = [{names}]\n"
        'check = {{ interval = "5s", timeout = "4s" }}\n'
        '[control]\nsocket = "{folder}/control.sock"\nstate = "{folder}/state"\n[proxy]\nuser = "gatehouse"\n'
    )


class PoolSize(SystemTest):
    configuration = configuration(COUNT)

    def setUp(self):
        self.house = House()
        self.addCleanup(self.take_down)
        self.house.make(self.configuration)
        # One server in the balancer's own namespace is all of them: 127.0.0.0/8 is this machine.
        self.house.servers["all"] = subprocess.Popen(
            TIED + [str(BUILD / "demo_server"), "--name", "all", "--listen", "0.0.0.0:80"]
        )
        self.house.start_daemon()

    def up(self):
        return sum(state == "up" for state in self.house.states("app").values())

    def test_a_thousand_servers_are_checked_reloaded_and_fenced(self):
        wait_until(lambda: self.up() == COUNT, 60, "all of them are up")
        self.assertEqual(get().status, 200)
        self.house.write_configuration(configuration(COUNT - 1))
        self.house.cli("reload")
        self.assertEqual(self.up(), COUNT - 1, "a reload keeps the health of every server")
        fenced = [f"s{number}" for number in range(249)]
        self.house.cli("fence", *fenced, "--why", "half of the racks move")
        self.assertEqual(sum("fenced" in state for state in self.house.states("app").values()), len(fenced))
        self.assertEqual(get().status, 200)
        self.house.cli("unfence", *fenced, "--wait", "60s")
        wait_until(lambda: self.up() == COUNT - 1, 60, "all of them serve again")


if __name__ == "__main__":
    main()

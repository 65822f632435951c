"""Killing, stopping or freezing one of two real nginx under load costs no GET. GATEHOUSE_DEATHS says how often (3)."""

import http.client
import os
import pathlib
import signal
import subprocess
import threading
import time

from house import BUILD, TIED, WEB, SystemTest, main, wait_until

DEATHS = int(os.environ.get("GATEHOUSE_DEATHS", "3"))
BACKEND_TIMEOUT = 3  # seconds; what a frozen server may cost a visitor

NGINX = """\
daemon off;
worker_processes 2;
pid {folder}/pid;
error_log {folder}/log;
events {{ worker_connections 1000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {address}:80;
        location / {{ return 200 "{name}"; }}
    }}
}}
"""


class Visitors:
    """Four visitors, each with a connection of its own that stays open; and their results."""

    def __init__(self):
        self.ended = threading.Event()
        self.failed = []
        self.slowest = 0.0
        self.count = 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.visit) for _ in range(4)]
        for thread in self.threads:
            thread.start()

    def visit(self):
        connection = http.client.HTTPConnection(*WEB, timeout=30)
        while not self.ended.is_set():
            begun = time.monotonic()
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                met = answer.status
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                met = repr(error)
            with self.lock:
                self.count += 1
                self.slowest = max(self.slowest, time.monotonic() - begun)
                if met != 200:
                    self.failed.append(met)
            time.sleep(0.002)
        connection.close()

    def end(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()


class ServerDeath(SystemTest):
    def prepare(self):
        self.house.configuration.write_text(
            self.house.configuration.read_text()
            .replace('interval = "1s", timeout = "500ms"', 'interval = "200ms", timeout = "200ms"')
            .replace("[proxy]", f'[timeouts]\nbackend = "{BACKEND_TIMEOUT}s"\n[proxy]')
        )
        self.house.start_server = self.start_nginx

    def start_nginx(self, number):
        name, address = f"web{number}", f"10.80.0.{number + 10}"
        folder = pathlib.Path(self.house.folder) / name
        folder.mkdir(exist_ok=True)
        (folder / "conf").write_text(NGINX.format(folder=folder, address=address, name=name))
        self.house.servers[name] = subprocess.Popen(
            TIED + ["ip", "netns", "exec", self.house.app, "nginx", "-e", f"{folder}/log", "-c", f"{folder}/conf"],
            start_new_session=True,
        )
        if f"chat{number}" not in self.house.servers:
            self.house.servers[f"chat{number}"] = subprocess.Popen(
                TIED + ["ip", "netns", "exec", self.house.app, str(BUILD / "demo_server"), "--name", name,
                        "--tcp-echo", f"{address}:5222"]
            )

    def everybody(self, name, number):
        """To the master and its workers at once, as a machine that goes down does it."""
        os.killpg(self.house.servers[name].pid, number)

    def die(self, number, seconds=0.0):
        """DEATHS times: web1 or web2 gets the signal, and is started again, or thawed after so long."""
        visitors = Visitors()
        try:
            for turn in range(DEATHS):
                name = f"web{1 + turn % 2}"
                self.everybody(name, number)
                if number == signal.SIGSTOP:
                    wait_until(lambda: self.house.states("app")[name] == "down", 20, f"{name} is down")
                    time.sleep(seconds)
                    self.everybody(name, signal.SIGCONT)
                else:
                    self.house.servers.pop(name).wait(20)
                    wait_until(lambda: self.house.states("app")[name] == "down", 20, f"{name} is down")
                    self.start_nginx(int(name[-1]))
                wait_until(lambda: self.house.states("app")[name] == "up", 20, f"{name} is up again")
        finally:
            visitors.end()
        print(f"{DEATHS} times {signal.Signals(number).name}: {visitors.count} GETs, {len(visitors.failed)} failed, "
              f"the slowest {visitors.slowest:.2f} s")
        self.assertEqual(visitors.failed, [])
        self.assertGreater(visitors.count, 20 * DEATHS)
        return visitors

    def test_kill_costs_no_get(self):
        self.die(signal.SIGKILL)

    def test_term_costs_no_get(self):
        self.die(signal.SIGTERM)

    def test_a_frozen_server_costs_no_get_and_no_more_than_the_timeout(self):
        visitors = self.die(signal.SIGSTOP, BACKEND_TIMEOUT + 0.5)
        # Its own time, and that of the machine which this test shares.
        self.assertLess(visitors.slowest, 3 * BACKEND_TIMEOUT)


if __name__ == "__main__":
    main("nginx", "setpriv")

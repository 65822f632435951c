"""A site to be deployed: four web servers in the servers' namespace of a house. Each is an nginx before an application
with a slow first request. As a program: the operator's command that deploys one of them. The server is down for
SECONDS, and its first request takes FIRST. FOLDER/SERVER/runs gets a line for each run.

    web_site.py restart FOLDER NAMESPACE SERVER RELEASE SECONDS FIRST

A release named broken-... comes back broken: broken-500 answers 500, broken-text lacks its name, broken-hang never
answers, broken-refuse does not listen, broken-command fails itself.
"""

import os
import pathlib
import signal
import subprocess
import sys
import time

SERVERS = ("web1", "web2", "web3", "web4")
HANG = 1000.0  # seconds

CONFIGURATION = """\
[listen.web]
address = "0.0.0.0:8080"
mode = "http"
pool = "app"
[server.web1]
host = "10.80.0.11"
[server.web2]
host = "10.80.0.12"
[server.web3]
host = "10.80.0.13"
[server.web4]
host = "10.80.0.14"
[pool.app]
port = 80
servers = ["web1", "web2", "web3", "web4"]
check = {{ method = "HEAD", path = "/", expect = 200, interval = "1s", timeout = "500ms", fall = 2, rise = 1 }}
[maintenance]
page = "maintenance.html"
[control]
socket = "{folder}/control.sock"
state = "{folder}/state"
[proxy]
workers = 1
user = "gatehouse"
"""

NGINX = """\
user root; master_process off; daemon on; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off; keepalive_requests 1000000; open_file_cache off;
    server {{
        listen {host}:80; root {folder}/www;
        location / {{ {answer} }}
        location @application {{ proxy_pass http://127.0.0.1:{port}; }}
    }}
    server {{  # for those who run it, not for visitors
        listen {host}:8081;
        location = /health {{
            if ($http_x_probe = "deploy") {{ return 204; }}
            return 503;
        }}
    }}
}}
"""


def number(server):
    return int(server.removeprefix("web"))


def kill(pid_file):
    try:
        pid = int(pid_file.read_text())
        os.kill(pid, signal.SIGKILL)
    except (OSError, ValueError):
        return
    while running(pid):
        time.sleep(0.01)


def running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def start(folder, namespace, server, release, first):
    own = pathlib.Path(folder) / server
    (own / "www").mkdir(parents=True, exist_ok=True)
    (own / "www" / "index.html").unlink(missing_ok=True)
    if release == "broken-refuse":
        return
    answer = "return 500;" if release == "broken-500" else "try_files /index.html @application;"
    first = HANG if release == "broken-hang" else first
    port = 9000 + number(server)
    (own / "nginx.conf").write_text(NGINX.format(folder=own, host=f"10.80.0.{10 + number(server)}", port=port,
                                                 answer=answer))
    inside = ["nsenter", f"--net=/run/netns/{namespace}"]
    name = "of nothing" if release == "broken-text" else release
    application = subprocess.Popen(
        inside + ["setsid", sys.executable, str(pathlib.Path(__file__).with_name("web_site_app.py")), str(port), str(own),
                  name, str(first)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    (own / "application.pid").write_text(str(application.pid))
    subprocess.run(inside + ["nginx", "-c", str(own / "nginx.conf"), "-e", str(own / "error.log")], check=True)


def say(text):
    try:
        print(text, flush=True)
    except BrokenPipeError:
        pass  # the terminal is closed; an interrupted restart would be worse


def restart(folder, namespace, server, release, seconds, first):
    own = pathlib.Path(folder) / server
    with open(own / "runs", "a") as runs:
        print(release, file=runs)
    kill(own / "nginx.pid")
    kill(own / "application.pid")
    say(f"{server} stops for {seconds} s")
    time.sleep(float(seconds))
    start(folder, namespace, server, release, float(first))
    say(f"{server} runs {release}")
    return 1 if release == "broken-command" else 0


if __name__ == "__main__":
    sys.exit(restart(*sys.argv[2:]))

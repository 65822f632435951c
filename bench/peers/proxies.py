"""The compared proxies, each with one thread on one core, and the server behind all of them.

All have a site's typical settings: keep-alive towards the server, X-Forwarded-For, a health check each second where
they support one, no log of exchanges, nothing written to disk. All else is their default. A check fails after 1 s,
and a server is down after three failures (HAProxy's default), because the server answers slowly while it accepts a
thousand connections.
"""

import os
import pathlib
import resource
import signal
import subprocess
import time

ORIGIN = 9000
PROXY_CORE, OTHER_CORE = 0, 1
TIED = ["setpriv", "--pdeathsig", "KILL"]
SIZES = {"64 B": 64, "1 KiB": 1024, "64 KiB": 64 << 10, "1 MiB": 1 << 20, "100 MiB": 100 << 20}
# This machine's limit of open files for a process; idle sessions need many.
DESCRIPTORS = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
SESSIONS = DESCRIPTORS * 3 // 8  # HAProxy counts two descriptors for each and keeps some for its pipes


def path_of(size):
    return f"/{size}.bin"


class Process:
    """A program on some cores, and its cost so far."""

    def __init__(self, name, command, cores, folder):
        """cores: as taskset takes them, 0 or "0,1"."""
        self.name = name
        self.log = open(folder / f"{name}.log", "w")
        # --pdeathsig outermost: the program ends when this process ends in any way.
        self.child = subprocess.Popen(
            [*TIED, "prlimit", f"--nofile={DESCRIPTORS}", "taskset", "-c", str(cores), *map(str, command)],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def pids(self):
        found, queue = [], [self.child.pid]
        while queue:
            pid = queue.pop()
            found.append(pid)
            for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
                try:
                    queue += map(int, (task / "children").read_text().split())
                except OSError:
                    pass
        return found

    def cpu(self):
        """Seconds on a core so far, of all its threads, the kernel's workers for it included."""
        total = 0
        for pid in self.pids():
            for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
                try:
                    total += int((task / "schedstat").read_text().split()[0])
                except OSError:
                    pass
        return total / 1e9

    def private_memory(self):
        """Bytes of memory that no other process maps."""
        total = 0
        for pid in self.pids():
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Private_"):
                    total += int(line.split()[1]) * 1024
        return total

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            for pid in self.pids():
                os.kill(pid, signal.SIGKILL)
            self.child.wait()
        self.log.close()


def start_origin(folder, cores=OTHER_CORE):
    """nginx: sends files of the sizes above and accepts any upload."""
    files = folder / "files"
    if not files.exists():
        files.mkdir()
        for size in SIZES.values():
            (files / path_of(size)[1:]).write_bytes(os.urandom(size))
    (folder / "origin.conf").write_text(f"""
worker_processes 1;
worker_rlimit_nofile {DESCRIPTORS};
pid {folder}/origin.pid;
error_log stderr crit;
daemon off;
events {{ worker_connections {SESSIONS}; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    open_file_cache max=100;
    client_max_body_size 0;
    client_body_temp_path {folder}/origin_body;
    server {{
        listen 127.0.0.1:{ORIGIN} backlog=4096;
        root {files};
        # Answers after the whole body: `return` alone would answer before it.
        location /upload {{
            client_body_buffer_size 2m;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_pass http://127.0.0.1:{ORIGIN + 1};
            proxy_temp_path {folder}/origin_temp;
        }}
    }}
    server {{ listen 127.0.0.1:{ORIGIN + 1}; return 200 "taken"; }}
}}
""")
    return Process("origin", ["nginx", "-p", folder, "-c", folder / "origin.conf"], cores, folder)


def gatehouse(build, folder, workers=1):
    (folder / "state").mkdir(exist_ok=True)
    os.chmod(folder, 0o755)
    subprocess.run(["chown", "gatehouse:gatehouse", str(folder / "state")], check=True)
    (folder / "page.html").write_text("<!doctype html><title>Maintenance</title>")
    (folder / "gatehouse.toml").write_text(f"""
[listen.web]
address = "127.0.0.1:8101"
mode = "http"
pool = "app"

[listen.raw]
address = "127.0.0.1:8102"
mode = "tcp"
pool = "raw"

[server.origin]
host = "127.0.0.1"

[pool.app]
port = {ORIGIN}
servers = ["origin"]
check = {{ path = "{path_of(64)}", host = "bench", interval = "1s", timeout = "1s", fall = 3 }}

[pool.raw]
port = {ORIGIN}
servers = ["origin"]
check = {{ type = "tcp", interval = "1s", timeout = "1s", fall = 3 }}

[maintenance]
page = "page.html"

[control]
socket = "{folder}/control.sock"
state = "{folder}/state"

[proxy]
workers = {workers}
user = "gatehouse"

[timeouts]
keep_alive = "1h"

[log]
exchanges = false
""")
    return [build / "gatehouse", "run", "-c", folder / "gatehouse.toml"]


def haproxy(folder, program):
    """Splicing as the manual proposes it (splice-auto), and forced, which splices more."""
    forced = "option splice-request\n    option splice-response"
    listeners = ""
    for name, mode, port, options in (
            ("http", "http", 8111, "option forwardfor"),
            ("http_auto", "http", 8112, "option forwardfor\n    option splice-auto"),
            ("http_forced", "http", 8115, "option forwardfor\n    " + forced),
            ("tcp", "tcp", 8113, ""),
            ("tcp_auto", "tcp", 8114, "option splice-auto"),
            ("tcp_forced", "tcp", 8116, forced)):
        check = f"option httpchk HEAD {path_of(64)}" if mode == "http" else ""
        reuse = "http-reuse always" if mode == "http" else ""
        listeners += f"""
listen {name}
    mode {mode}
    bind 127.0.0.1:{port}
    {options}
    {check}
    {reuse}
    server origin 127.0.0.1:{ORIGIN} check inter 1s
"""
    (folder / "haproxy.cfg").write_text(f"""
global
    nbthread 1
    maxconn {SESSIONS}
defaults
    timeout connect 3s
    timeout client 1h
    timeout server 60s
    timeout http-keep-alive 1h
{listeners}""")
    return [program, "-db", "-q", "-f", folder / "haproxy.cfg"]


def nginx(folder):
    (folder / "nginx.conf").write_text(f"""
worker_processes 1;
worker_rlimit_nofile {DESCRIPTORS};
pid {folder}/nginx.pid;
error_log stderr crit;
daemon off;
events {{ worker_connections {SESSIONS}; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    client_max_body_size 0;
    client_body_temp_path {folder}/nginx_body;
    proxy_temp_path {folder}/nginx_temp;
    upstream origin {{ server 127.0.0.1:{ORIGIN}; keepalive 2000; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:8121 backlog=4096;
        location / {{
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_request_buffering off;
            proxy_max_temp_file_size 0;
        }}
    }}
}}
""")
    return ["nginx", "-p", folder, "-c", folder / "nginx.conf"]


# Column of the table -> (program, port).
HTTP = {"Gatehouse": ("gatehouse", 8101), "HAProxy": ("haproxy", 8111), "splice-auto": ("haproxy", 8112),
        "splice forced": ("haproxy", 8115), "nginx": ("nginx", 8121)}
TCP = {"Gatehouse": ("gatehouse", 8102), "HAProxy": ("haproxy", 8113), "splice-auto": ("haproxy", 8114),
       "splice forced": ("haproxy", 8116)}


def start_proxies(build, folder, haproxy_program):
    started = {}
    for name, command in (("gatehouse", gatehouse(build, folder)), ("haproxy", haproxy(folder, haproxy_program)),
                          ("nginx", nginx(folder))):
        started[name] = Process(name, command, PROXY_CORE, folder)
    return started


def versions(build, haproxy_program):
    def first_line(*command):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return (done.stdout or done.stderr).splitlines()[0]
    return [first_line(str(build / "gatehouse"), "--version"), first_line(haproxy_program, "-v"),
            first_line("nginx", "-v")]


def wait_for(ports, answers):
    deadline = time.monotonic() + 15
    for port in ports:
        while not answers(port):
            if time.monotonic() > deadline:
                raise SystemExit(f"peers: no answer 200 on 127.0.0.1:{port} within 15 s; see the logs")
            time.sleep(0.05)

"""Debian's haproxy and nginx as children of a test, in its network namespace, with a configuration in its folder. Each
stands before a recorder of its own or another server. Both have their default strictness."""

import pathlib
import socket
import subprocess

from house import TIED, wait_until
from recorder import Recorder

HAPROXY = """\
global
    maxconn 1000
defaults
    mode http
    timeout connect 5s
    timeout client 10s
    timeout server 10s
frontend visitors
    bind 127.0.0.1:{port}
    default_backend recorder
backend recorder
    server recorder 127.0.0.1:{recorder}
"""

NGINX = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 1000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{recorder};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Connection "";
            # A visitor that has said all may still wait for its answers.
            proxy_ignore_client_abort on;
        }}
    }}
}}
"""


class Peer:
    """A running peer; stop() ends it."""

    def __init__(self, name, template, command, port, folder, server):
        self.name = name
        self.address = ("127.0.0.1", port)
        self.recorder = server or Recorder()
        file = pathlib.Path(folder) / f"{name}.conf"
        file.write_text(template.format(port=port, folder=folder, recorder=self.recorder.port))
        self.output = open(pathlib.Path(folder) / f"{name}.out", "wb")
        self.process = subprocess.Popen(TIED + command + [str(file)], stdout=self.output, stderr=self.output)
        wait_until(self._listens, 10, f"{name} listens: {file.with_suffix('.out').read_text()}")

    def _listens(self):
        with socket.socket() as one:
            return one.connect_ex(self.address) == 0

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.output.close()


def start(folder, server=None):
    """Both of them, before that server (something with a port) where there is one."""
    return [
        Peer("haproxy", HAPROXY, ["haproxy", "-db", "-f"], 8081, folder, server),
        Peer("nginx", NGINX, ["nginx", "-e", f"{folder}/nginx.log", "-c"], 8082, folder, server),
    ]

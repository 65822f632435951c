"""A server that gives the answers of odd_messages.py, each at /row/NUMBER, and elsewhere a plain one with MARK. Its
threads end with the process. Only the standard library."""

import socket
import threading

MARK = b"x-odd-server: yes"
PLAIN = b"HTTP/1.1 200 OK\r\n" + MARK + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class OddServer:
    def __init__(self, rows, address=("127.0.0.1", 0)):
        self.rows = rows
        self.listening = socket.create_server(address, backlog=512)
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            connection, _ = self.listening.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            connection.settimeout(10)
            try:
                head = b""
                while b"\r\n\r\n" not in head:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    head += piece
                target = head.split(b" ", 2)[1]
                row = target.removeprefix(b"/row/")
                connection.sendall(self.rows[int(row)].bytes if row != target else PLAIN)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except OSError:
                pass  # the proxy has had enough

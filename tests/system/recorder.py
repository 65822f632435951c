"""A backend that records what reaches it, for tests that compare proxies. It records every whole request in one normal
form, a chunked body as one chunk, and the part of an unfinished one. It answers each whole request with a 200 that
carries MARK, so that its answers differ from a proxy's own.

Only the standard library. A recorder's threads end with the process.
"""

import selectors
import socket
import threading

MARK = b"x-recorded: yes\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\n" + MARK + b"Content-Length: 0\r\n\r\n"
PROBE = b"GET /probe HTTP/1.1\r\n\r\n"


class Recorder:
    def __init__(self):
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.listening.setblocking(False)
        self.port = self.listening.getsockname()[1]
        self.lock = threading.Lock()
        self.requests = []
        self.partial = {}  # what has come of a request that is not whole, by connection
        self.ready = selectors.DefaultSelector()
        self.ready.register(self.listening, selectors.EVENT_READ)
        threading.Thread(target=self._run, daemon=True).start()

    def take(self):
        """The whole requests since the last call, and all that has come of others."""
        self._settle()
        with self.lock:
            found = [one for one in self.requests if one != PROBE], b"".join(self.partial.values())
            self.requests = []
            self.partial = {one: b"" for one in self.partial if one.fileno() != -1}
            return found

    def _settle(self):
        """Returns when all that was sent before is recorded. Our own connection comes after it, and the loop handles
        what it finds at once under one lock."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as probe:
            probe.sendall(PROBE)
            probe.recv(len(ANSWER))

    def _run(self):
        while True:
            events = self.ready.select()
            with self.lock:
                for key, _ in events:
                    if key.fileobj is self.listening:
                        self._accept()
                    else:
                        self._receive(key.fileobj)

    def _accept(self):
        while True:
            try:
                connection, _ = self.listening.accept()
            except BlockingIOError:
                return
            connection.setblocking(False)
            self.partial[connection] = b""
            self.ready.register(connection, selectors.EVENT_READ)
            self._receive(connection)

    def _receive(self, connection):
        try:
            while piece := connection.recv(65536):
                self.partial[connection] += piece
                self._answer(connection)
        except BlockingIOError:
            return
        except OSError:
            pass  # reset: what came before it counts
        self.ready.unregister(connection)
        connection.close()

    def _answer(self, connection):
        while True:
            request, self.partial[connection] = split_request(self.partial[connection])
            if request is None:
                return
            self.requests.append(request)
            connection.sendall(ANSWER)


def split_request(bytes_):
    """The first request in normal form and what follows it; None and everything where it is not whole."""
    head, end, rest = bytes_.partition(b"\r\n\r\n")
    if not end:
        return None, bytes_
    fields = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
    values = {name.lower(): value.strip() for name, _, value in fields}
    if values.get(b"transfer-encoding") == b"chunked":
        body, rest = join_chunks(rest)
        if body is None:
            return None, bytes_
        body = (b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    else:
        length = int(values.get(b"content-length", b"0"))
        body, rest = rest[:length], rest[length:]
        if len(body) < length:
            return None, bytes_
    return head + end + body, rest


def join_chunks(bytes_):
    """The body and what follows it; None where the last chunk has not come. Proxies send neither extensions nor
    trailers here."""
    body = b""
    while True:
        size, end, rest = bytes_.partition(b"\r\n")
        if not end:
            return None, b""
        count = int(size, 16)
        if len(rest) < count + 2:
            return None, b""
        if count == 0:
            return body, rest[2:]
        body += rest[:count]
        bytes_ = rest[count + 2 :]

"""The whole API against random requests, made of its own description (docs/openapi.json), on a real daemon. No crash,
no fault, no undocumented status or form, no unbounded memory, and no GET that changes something.

A minute with a sanitizer's build, a few seconds with another. GATEHOUSE_API_FUZZ_SECONDS sets another time.
GATEHOUSE_API_FUZZ_SEED repeats the requests of a run, but not the order between threads."""

import concurrent.futures
import http.client
import json
import os
import random
import socket
import threading
import time
import urllib.parse

import house
import openapi_requests
from house import wait_until

SECONDS = float(os.environ.get("GATEHOUSE_API_FUZZ_SECONDS", "60" if house.SANITIZED else "15"))
SEED = int(os.environ.get("GATEHOUSE_API_FUZZ_SEED", str(random.randrange(2**32))))
THREADS = 6
MEMORY_MAX_MIB = 1536 if house.SANITIZED else 300
COMPLAINTS = ("ERROR: AddressSanitizer", "runtime error:", "ERROR: LeakSanitizer", "terminate called")
CONFIGURATION = house.CONFIGURATION + """
[deploy.daily]
pool = "app"
run = "deploy {{server}}"
drain = "10ms"
[guard.nights]
kind = "windows"
forbid = ["Mon 03:00-03:01"]
"""


class Fuzz(house.SystemTest):
    configuration = CONFIGURATION

    def send(self, request, timeout=15):
        """Status, type and content; None where the daemon closed or took too long."""
        method, target, fields, body = request
        head = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        head += f"Content-Length: {len(body)}\r\n" if body else ""
        with socket.socket(socket.AF_UNIX) as caller:
            caller.settimeout(timeout)
            caller.connect(str(self.house.folder / "control.sock"))
            try:
                caller.sendall(head.encode() + b"\r\n" + body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before all of it was there
            try:
                answer = http.client.HTTPResponse(caller, method=method)
                answer.begin()
                return answer.status, answer.headers.get_content_type(), answer.read()
            except (http.client.HTTPException, OSError):
                return None

    def get(self, path):
        answer = self.send(("GET", path, {}, b""), 60)
        self.assertIsNotNone(answer, f"{path} is not answered")
        self.assertEqual(answer[0], 200, answer)
        return json.loads(answer[2])

    def state(self):
        """The state that a change would change, without fences and pages that run out by themselves."""
        lasts = lambda found: found and (found.get("until") is None)
        pools = [{"name": pool["name"], "maintenance": pool["maintenance"] if lasts(pool["maintenance"]) else None,
            "weights": [(backend["server"], backend["weight"]) for backend in pool["backends"]]}
            for pool in self.get("/v1/status")["pools"]]
        fences = [(fence["address"], fence["mode"], fence["scope"], fence["id"], fence["why"])
                  for fence in self.get("/v1/rules")["fences"] if lasts(fence)]
        changes = [entry["id"] for entry in self.get("/v1/audit?last=50")["entries"] if entry["what"] != "refused"]
        rollouts = [(rollout["id"], rollout["who"]) for rollout in self.get("/v1/deploy/history")["rollouts"]]
        return json.dumps([pools, fences, changes[:20], rollouts, self.get("/v1/firewall").get("state")])

    def fits(self, value, schema):
        schema = self.requests.resolve(schema)
        if "enum" in schema and value not in schema["enum"]:
            return False
        types = schema.get("type", [])
        types = [types] if isinstance(types, str) else types
        python = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None),
                  "number": (int, float), "integer": int}
        if types and not any(isinstance(value, python[one]) for one in types):
            return False
        if isinstance(value, dict):
            properties = schema.get("properties", {})
            return all(name in value for name in schema.get("required", [])) and all(
                self.fits(item, properties[name]) for name, item in value.items() if name in properties)
        return not isinstance(value, list) or all(self.fits(item, schema.get("items", {})) for item in value)

    def judge(self, request, answer):
        """What is wrong with an answer; empty: nothing."""
        method, target, fields, body = request
        if answer is None:
            return "no answer"
        status, kind, content = answer
        operations = self.description["paths"].get(urllib.parse.urlsplit(target).path, {})
        operation = operations.get("get" if method == "HEAD" else method.lower(), {})
        responses = operation.get("responses", {})
        refused = self.description["components"]["responses"]["Refused"]
        documented = responses.get(str(status))
        if documented is None:
            if status not in refused["x-statuses"]:
                return f"status {status} is not documented"
            if status == 500:
                return "a fault in gatehouse"
            documented = refused
        if method == "HEAD":
            return "" if not content else "a body in answer to HEAD"
        described = self.requests.resolve(documented).get("content", {})
        if kind not in described:
            return f"type {kind} is not documented for {status}"
        if kind != "application/json":
            return ""
        try:
            value = json.loads(content)
        except ValueError as error:
            return f"no JSON: {error}"
        return "" if self.fits(value, described[kind].get("schema", {})) else "the answer is not of its schema"

    def one(self, reading):
        with self.lock:
            request = self.requests.next(reading)
            # An upgrade is another process, which is what is looked for here.
            while request[1].startswith("/v1/upgrade"):
                request = self.requests.next(reading)
            self.sent += 1
        # An order may name a wait of its own; then the test gives up after 2 s.
        waits = any(name in request[1] or name.encode() in request[3][:10_000] for name in openapi_requests.WAITS)
        answer = self.send(request, 2 if waits else 60)
        wrong = "" if answer is None and waits else self.judge(request, answer)
        if answer:
            self.seen[answer[0]] = self.seen.get(answer[0], 0) + 1
        if wrong:
            self.wrong.append(f"{wrong}: {request[0]} {request[1][:300]} {str(request[2])[:200]} {request[3][:300]!r}"
                              f" -> {answer and (answer[0], answer[1], answer[2][:500])}")

    def whole(self):
        """Control has neither died nor complained, and its memory has a bound."""
        log = (self.house.folder / "gatehouse.log").read_text(errors="replace")
        for complaint in COMPLAINTS:
            self.assertNotIn(complaint, log, log[log.find(complaint):][:4000])
        self.assertEqual(self.house.children().get("control"), self.control, "control has died: " + self.latest())
        memory = int(house.process_status(self.control)["VmHWM"].split()[0]) // 1024
        self.assertLess(memory, MEMORY_MAX_MIB, "MiB of memory at the most: " + self.latest())
        return memory

    def latest(self):
        return "\n".join(self.wrong[:5])

    def test_a_fuzzer_that_knows_the_api_finds_nothing(self):
        print(f"seed {SEED}, {SECONDS:.0f} seconds", flush=True)
        self.requests = openapi_requests.Requests(house.SOURCE / "docs/openapi.json", random.Random(SEED))
        self.description = self.requests.description
        self.lock, self.sent, self.wrong, self.seen = threading.Lock(), 0, [], {}
        self.control = self.house.children()["control"]
        deadline = time.monotonic() + SECONDS
        memory = 0
        with concurrent.futures.ThreadPoolExecutor(THREADS) as threads:
            while time.monotonic() < deadline and not self.wrong:
                list(threads.map(self.one, [False] * 60))
                memory = self.whole()
                # Waiting orders go on for a while; after that only a GET could change something.
                before = wait_until(self.quiet, 60, "what was begun has ended")
                list(threads.map(self.one, [True] * 60))
                self.assertEqual(self.state(), before, "a GET has changed something")
        print(f"{self.sent} requests, {memory} MiB at most, answers {dict(sorted(self.seen.items()))}", flush=True)
        self.assertEqual(self.wrong, [])
        self.whole()

    def quiet(self):
        before = self.state()
        time.sleep(0.3)
        return before if self.state() == before else None


if __name__ == "__main__":
    house.main()

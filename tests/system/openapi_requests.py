"""Random requests out of docs/openapi.json: right ones, and ones with mistakes of a client or an attacker. Pure, except
for the random numbers it is given."""

import gzip
import json
import urllib.parse

LEVELS = 400_000  # of a body of the largest size
BOMB = gzip.compress(bytes(512 << 20), 9)  # half a gibibyte in half a mebibyte
# Names of fields that make the daemon wait.
WAITS = ("wait_ms", "drain_ms", "timeout_ms")

NUMBERS = (-1, 0, 1, 2, 7, 255, 256, 257, 65_535, 65_536, 2**31 - 1, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, 2**64 - 1,
           2**64, -2**31 - 1, -2**63, -2**63 - 1, 0.5, -0.0, 1e300, 1e19)
TEXTS = ("", "web1", "web2", "app", "chat", "none", " ", "\0", "\u2028", "a\nb\r\nc", "\x1b[31m", "\U0001f6a7",
         "ä" * 999, "x" * 1000, "x" * 1001, "x" * 5000, "../../etc/passwd", "{server}", "{hots}", "${x}", "'; DROP TABLE audit; --",
         "2036-11-22T14:00:00Z", "2036-02-30T25:61:61Z", "1s", "10m", "25%", "-1", "1e9", "inf", "nan", "10.80.0.11",
         "127.0.0.1", "::1", "http://a/", "https://u:p@a/b?token=c", "[", "\\", '"')
ODD = (None, True, False, [], {}, [[]], {"a": {}}, [None], "x", 1, -1, 1.5)


class Requests:
    def __init__(self, file, chance):
        self.folder = file.parent
        self.description = json.loads(file.read_text())
        self.files = {"": self.description}
        self.chance = chance
        self.operations = [(method.upper(), path, operation) for path, methods in self.description["paths"].items()
                           for method, operation in methods.items()]

    def schema_of(self, operation):
        content = operation.get("requestBody", {}).get("content", {})
        return content.get("application/json", {}).get("schema")

    def resolve(self, schema):
        while "$ref" in schema:
            file, _, place = schema["$ref"].partition("#")
            if file not in self.files:
                text = (self.folder / file).read_text()
                # What it refers to in itself is found from elsewhere, too.
                self.files[file] = json.loads(text.replace('"$ref": "#', f'"$ref": "{file}#'))
            schema = self.files[file]
            for part in place.split("/")[1:]:
                schema = schema[part]
        return schema

    def value(self, schema, name=""):
        """What the schema allows, often at its edges."""
        schema = self.resolve(schema)
        chance = self.chance
        if "enum" in schema:
            return chance.choice(schema["enum"])
        kind = schema.get("type")
        if kind == "array":
            count = chance.choice((1, 1, 2, 3))
            return [self.value(schema.get("items", {}), name) for _ in range(count)]
        if kind == "object":
            return self.object(schema)
        if kind == "boolean":
            return chance.random() < 0.5
        if kind == "integer":
            low, high = schema.get("minimum", 0), schema.get("maximum", 10_000)
            if name in WAITS:
                return chance.randint(low, max(low, 40))
            return chance.choice((low, high, chance.randint(low, high)))
        if name in ("servers", "server"):
            return chance.choice(("web1", "web2"))
        if name == "pool":
            return chance.choice(("app", "chat"))
        if name == "recipe":
            return chance.choice(("daily", ""))
        if schema.get("format") == "date-time":
            return "2036-11-22T14:00:00Z"
        return chance.choice(("1s", "10ms")) if "pattern" in schema else chance.choice(TEXTS)

    def object(self, schema):
        required = schema.get("required", [])
        return {name: self.value(field, name) for name, field in schema.get("properties", {}).items()
                if name in required or self.chance.random() < 0.3}

    def wrong_value(self):
        chance = self.chance
        return chance.choice((lambda: chance.choice(NUMBERS), lambda: chance.choice(TEXTS), lambda: chance.choice(ODD),
                              lambda: [chance.choice(TEXTS)] * chance.choice((1, 2, 1024, 1025)),
                              lambda: {chance.choice(TEXTS): chance.choice(ODD)}))()

    def spoil(self, value):
        """One thing in it is wrong."""
        chance = self.chance
        if isinstance(value, dict) and value and chance.random() < 0.9:
            name = chance.choice(list(value))
            if chance.random() < 0.2:
                value = {key: item for key, item in value.items() if key != name}
            else:
                value = value | {name: self.spoil(value[name])}
            return value
        if isinstance(value, list) and value and chance.random() < 0.5:
            return value[:-1] + [self.spoil(value[-1])]
        return self.wrong_value()

    def odd_body(self):
        chance = self.chance
        half = LEVELS // 2
        return chance.choice((
            lambda: b'{"x":' + b"[" * LEVELS + b"]" * LEVELS + b"}",
            lambda: b'{"servers":["web1"],"x":' + b'{"a":' * half + b"1" + b"}" * half + b"}",
            lambda: b"[" * LEVELS,
            lambda: b'{"x":[' + b"0," * half + b"0]}",
            lambda: b'{"x":[' + b"{}," * half + b"0]}",
            lambda: b"{" + b",".join(b'"%d":0' % i for i in range(60_000)) + b"}",
            lambda: b"x" * ((1 << 20) + 1),
            lambda: bytes(chance.randrange(256) for _ in range(chance.randrange(200))),
            lambda: b'{"why":"\xff\xfe\xc0\x80"}',
            lambda: b'{"why":"\\ud800","claimed_by":"\\udc00\\u0000"}',
            lambda: b'{"servers":["web1"],"servers":7}',
            lambda: b'\xef\xbb\xbf{"servers":["web1"]}',
            lambda: b'{"for_ms":1e400,"weight":1E+999999999}',
            lambda: chance.choice((b"", b"{", b"[]", b"null", b"0", b'"x"', b"{}{}", b"{}\0")),
        ))()

    def query(self, operation):
        pairs = []
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "query" and (parameter.get("required") or self.chance.random() < 0.5):
                value = self.value(parameter.get("schema", {}), parameter["name"])
                if self.chance.random() < 0.3:
                    value = self.wrong_value()
                text = value if isinstance(value, str) else json.dumps(value)
                pairs.append((parameter["name"], text[:1000]))
        if self.chance.random() < 0.05:
            pairs.append(("why", "x"))
        query = urllib.parse.urlencode(pairs)
        if self.chance.random() < 0.05:
            query += self.chance.choice(("&&&", "&=", "&%ff=%fe", "&a=%", "&a=%zz", "&" + "a=b&" * 1500, "&why=%00"))
        return "?" + query if query else ""

    def odd_fields(self):
        chance = self.chance
        return chance.choice((
            {"Range": "bytes=" + ",".join(["0-"] * 1500)},
            {"Range": "bytes=5-1"},
            {"Accept-Encoding": "gzip, br"},
            {"Content-Type": "multipart/form-data; boundary=x"},
            {"Content-Type": "application/x-www-form-urlencoded"},
            {"Prefer": "respond-async"},
            {"Last-Event-ID": chance.choice(("", "x", "-1", "7", "18446744073709551616"))},
            {"Expect": "100-continue"},
            {"Expect": "nothing"},
            {"Connection": "keep-alive, upgrade", "Upgrade": "websocket"},
            {f"X-{number}": "y" * 100 for number in range(chance.choice((20, 120)))},
            {"X-Long": "y" * 20_000},
        ))

    def next(self, reading):
        """Method, target, fields, body. reading: one that must change nothing."""
        chance = self.chance
        some = [one for one in self.operations if (one[0] == "GET") == reading and one[1] != "/v1/events"]
        method, path, operation = chance.choice(some)
        schema = self.schema_of(operation)
        target = path + self.query(operation)
        fields, body = {}, b""
        kind = chance.random()
        if reading:
            method = "HEAD" if chance.random() < 0.1 else method
            body = self.odd_body() if kind < 0.05 else b""
        elif schema is not None:
            value = self.object(schema)
            value = self.spoil(value) if kind < 0.45 else value
            body = json.dumps(value).encode("utf-8", "surrogatepass")
            if 0.45 <= kind < 0.55:
                body = self.odd_body()
            elif kind > 0.97:
                body = body[:chance.randrange(len(body) + 1)]
        else:
            body = self.odd_body()
        if chance.random() < 0.1:
            fields = self.odd_fields()
        if not reading and chance.random() < 0.02:
            fields, body = {"Content-Encoding": "gzip"}, BOMB
        if chance.random() < 0.02:
            method = chance.choice(("DELETE", "PATCH", "TRACE", "OPTIONS", "get", "X" * 40, "CONNECT"))
        if chance.random() < 0.01:
            target = chance.choice(("/", "/v1", "/v1/none", "//v1/status", "/v1/../v1/status", "*", "/" + "a" * 9000))
        return method, target, fields, body

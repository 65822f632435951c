"""Reads the request cases of tests/conformance (its README.md explains the form) and makes variations of them."""

import dataclasses
import pathlib
import random
import re

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "conformance"
TELLING = [b"\r", b"\n", b"\r\n", b"\t", b" ", b":", b";", b",", b"/", b"0", b"\0", b"\x7f", b"\xff", b"-", b"_", b"#",
           b"a", b"%", b"?", b"\"", b"1", b"A"]


@dataclasses.dataclass
class Case:
    name: str
    place: str
    input: bytes = b""
    output: bytes = b""
    verdict: str = ""


@dataclasses.dataclass
class Difference:
    """A difference: the peer that refuses, a pattern of the input, and why we forward it."""

    name: str
    peer: str = ""
    input: re.Pattern = None
    why: str = ""


def unescape(text):
    """The bytes of one line, as the README has it."""
    out, at = b"", 0
    while at < len(text):
        if text[at] != "\\":
            out += text[at].encode()
            at += 1
            continue
        kind = text[at + 1]
        if kind == "x":
            out += bytes([int(text[at + 2 : at + 4], 16)])
            at += 4
        elif kind == "{":
            close = closing_brace(text, at + 1)
            count, _, inner = text[at + 2 : close].partition(",")
            out += unescape(inner) * int(count)
            at = close + 1
        else:
            out += {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\",
                    "F": b"X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n"}[kind]
            at += 2
    return out


def closing_brace(text, begin):
    depth = 0
    for at in range(begin, len(text)):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            return at
    raise ValueError(f"an open brace in {text}")


def requests():
    """Every case of the files of requests."""
    found = []
    for path in sorted(FOLDER.glob("request*.http")):
        for number, line in enumerate(path.read_text(encoding="ascii").splitlines(), 1):
            word, _, rest = line.partition(" ")
            if word == "case":
                found.append(Case(rest, f"{path.name}:{number}"))
            elif word == ">":
                found[-1].input += unescape(rest)
            elif word == "<":
                found[-1].output += unescape(rest)
            elif word in ("keep", "close", "waiting", "refuse"):
                found[-1].verdict = line
    return found


def differences():
    """Every entry of differences.txt."""
    found = []
    for line in (FOLDER / "differences.txt").read_text(encoding="ascii").splitlines():
        word, _, rest = line.partition(" ")
        if word == "difference":
            found.append(Difference(rest))
        elif word == "peer":
            found[-1].peer = rest
        elif word == "input":
            found[-1].input = re.compile(rest.encode(), re.DOTALL)
        elif word == "why":
            found[-1].why = rest
    return found


def variations(cases, count):
    """That many variations of the shorter cases, the same in every run: one or two places changed, taken away or
    added to with bytes that parsers stumble over. Most are of cases that are forwarded, since few others become so."""
    chance = random.Random(9112)
    short = [case for case in cases if len(case.input) < 300]
    good = [case for case in short if case.verdict in ("keep", "close")]
    for _ in range(count):
        bytes_ = chance.choice(chance.choice((good, good, good, short))).input
        for _ in range(chance.choice((1, 1, 2))):
            at = chance.randrange(len(bytes_))
            taken = chance.choice((0, 1, 1))
            put = chance.choice(TELLING) if taken == 0 or chance.random() < 0.7 else b""
            bytes_ = bytes_[:at] + put + bytes_[at + taken :]
        yield bytes_

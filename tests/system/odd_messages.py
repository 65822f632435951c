"""Odd answers and odd requests of real sites, for odd_messages_test.py. Gatehouse serves what nginx and HAProxy serve,
or the row says why not. docs/odd_messages.md has the reasons for people."""

import dataclasses

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"
LENGTH = b"Content-Length: 5\r\n"


@dataclasses.dataclass
class Row:
    """why: the reason for an error where both peers serve; empty: there is none to be."""

    name: str
    bytes: bytes
    why: str = ""
    status: int = 200  # that the visitor gets, of answers
    body: bytes = b"hello"
    method: bytes = b"GET"


# What a server sends, before it ends its side of the connection. A visitor is to get the status and the body.
ANSWERS = [
    Row("a plain answer", OK + LENGTH + b"\r\nhello"),
    Row("Content-Length beside chunked", OK + LENGTH + CHUNKED + b"\r\n" + HELLO),
    Row("chunked beside a wrong Content-Length", OK + b"Content-Length: 500\r\n" + CHUNKED + b"\r\n" + HELLO),
    Row("HTTP/1.0 with chunked", b"HTTP/1.0 200 OK\r\n" + CHUNKED + b"\r\n" + HELLO),
    Row("chunked twice in two fields", OK + CHUNKED * 2 + b"\r\n" + HELLO),
    Row("chunked twice in one field", OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + HELLO),
    Row("chunked with an empty member", OK + b"Transfer-Encoding: chunked,\r\n\r\n" + HELLO),
    Row("chunked in capitals", OK + b"Transfer-Encoding: CHUNKED\r\n\r\n" + HELLO),
    Row("the coding identity", OK + b"Transfer-Encoding: identity\r\n\r\nhello"),
    Row("a coding below chunked", OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + HELLO),
    Row("two lengths that agree", OK + LENGTH * 2 + b"\r\nhello"),
    Row("a list of lengths that agree", OK + b"Content-Length: 5, 5\r\n\r\nhello"),
    Row("two lengths that differ", OK + LENGTH + b"Content-Length: 4\r\n\r\nhello"),
    Row("an empty length", OK + b"Content-Length:\r\n\r\nhello"),
    Row("a length with a plus", OK + b"Content-Length: +5\r\n\r\nhello"),
    Row("a length with zeros before it", OK + b"Content-Length: 0005\r\n\r\nhello"),
    Row("neither length nor chunks", OK + b"\r\nhello"),
    Row("a folded field", OK + b"X: a\r\n b\r\n" + LENGTH + b"\r\nhello"),
    Row("a field folded twice, with tabs", OK + b"X: a\r\n\tb\r\n\t\tc\r\n" + LENGTH + b"\r\nhello"),
    Row("a field folded before its value", OK + b"X:\r\n a\r\n" + LENGTH + b"\r\nhello"),
    Row("a fold of blanks alone", OK + b"X: a\r\n  \r\n" + LENGTH + b"\r\nhello"),
    Row("a fold before the first field", OK + b" X: a\r\n" + LENGTH + b"\r\nhello"),
    Row("bare LF everywhere", b"HTTP/1.1 200 OK\nX: a\nContent-Length: 5\n\nhello"),
    Row("bare LF after one field", OK + b"X: a\n" + LENGTH + b"\r\nhello"),
    Row("bare LF as the empty line", OK + LENGTH + b"\nhello"),
    Row("CR CR LF after a field", OK + b"X: a\r\r\n" + LENGTH + b"\r\nhello"),
    Row("a bare CR in a value", OK + b"X: a\rb\r\n" + LENGTH + b"\r\nhello"),
    Row("a NUL in a value", OK + b"X: a\0b\r\n" + LENGTH + b"\r\nhello"),
    Row("a control byte in a value", OK + b"X: a\x01b\r\n" + LENGTH + b"\r\nhello"),
    Row("DEL in a value", OK + b"X: a\x7fb\r\n" + LENGTH + b"\r\nhello"),
    Row("bytes above 0x7f in a value", OK + b"X: caf\xc3\xa9 \xe9\r\n" + LENGTH + b"\r\nhello"),
    Row("a control byte in the reason", b"HTTP/1.1 200 O\x01K\r\n" + LENGTH + b"\r\nhello"),
    Row("a blank before the colon", OK + b"X : a\r\n" + LENGTH + b"\r\nhello"),
    Row("a blank before the colon of Content-Length", OK + b"Content-Length : 5\r\n\r\nhello"),
    Row("a blank in a name", OK + b"X Y: a\r\n" + LENGTH + b"\r\nhello"),
    Row("a name with brackets", OK + b"X(1): a\r\n" + LENGTH + b"\r\nhello"),
    Row("a name with bytes above 0x7f", OK + b"Caf\xc3\xa9: a\r\n" + LENGTH + b"\r\nhello"),
    Row("an empty name", OK + b": a\r\n" + LENGTH + b"\r\nhello"),
    Row("a line without a colon", OK + b"nonsense\r\n" + LENGTH + b"\r\nhello"),
    Row("a name of 300 bytes", OK + b"x" * 300 + b": a\r\n" + LENGTH + b"\r\nhello"),
    Row("two blanks before the status", b"HTTP/1.1  200 OK\r\n" + LENGTH + b"\r\nhello"),
    Row("a tab before the status", b"HTTP/1.1\t200 OK\r\n" + LENGTH + b"\r\nhello"),
    Row("no reason, no blank", b"HTTP/1.1 200\r\n" + LENGTH + b"\r\nhello"),
    Row("an empty line before the status line", b"\r\n" + OK + LENGTH + b"\r\nhello"),
    Row("HTTP/1.2", b"HTTP/1.2 200 OK\r\n" + LENGTH + b"\r\nhello"),
    Row("HTTP/2.0", b"HTTP/2.0 200 OK\r\n" + LENGTH + b"\r\nhello",
        why="RFC 9110 2.5: another major version is another grammar; a server that means HTTP/1 says so"),
    Row("http in small letters", b"http/1.1 200 OK\r\n" + LENGTH + b"\r\nhello"),
    Row("ICY", b"ICY 200 OK\r\n" + LENGTH + b"\r\nhello"),
    Row("a status of 99", b"HTTP/1.1 099 OK\r\n" + LENGTH + b"\r\nhello", status=99),
    Row("a status of 600", b"HTTP/1.1 600 Odd\r\n" + LENGTH + b"\r\nhello", status=600),
    Row("Host twice", OK + b"Host: a\r\nHost: b\r\n" + LENGTH + b"\r\nhello"),
    Row("Expect twice", OK + b"Expect: a\r\nExpect: b\r\n" + LENGTH + b"\r\nhello"),
    Row("Date twice", OK + b"Date: a\r\nDate: b\r\n" + LENGTH + b"\r\nhello"),
    Row("Connection with a semicolon", OK + b"Connection: close;\r\n" + LENGTH + b"\r\nhello"),
    Row("Connection with a quoted word", OK + b'Connection: "close"\r\n' + LENGTH + b"\r\nhello"),
    Row("Connection with two words", OK + b"Connection: keep alive\r\n" + LENGTH + b"\r\nhello"),
    Row("Connection that names 20 fields", OK + b"Connection: " + b", ".join(b"x%d" % n for n in range(20)) + b"\r\n"
        + LENGTH + b"\r\nhello"),
    Row("Upgrade offered, as Apache does", OK + b"Upgrade: h2,h2c\r\nConnection: Upgrade\r\n" + LENGTH + b"\r\nhello"),
    Row("chunk sizes padded with blanks", OK + CHUNKED + b"\r\n5    \r\nhello\r\n0    \r\n\r\n"),
    Row("blanks before a chunk size", OK + CHUNKED + b"\r\n   5\r\nhello\r\n   0\r\n\r\n"),
    Row("chunk sizes padded with zeros", OK + CHUNKED + b"\r\n00000005\r\nhello\r\n0\r\n\r\n"),
    Row("a chunk size of 24 digits", OK + CHUNKED + b"\r\n000000000000000000000005\r\nhello\r\n0\r\n\r\n"),
    Row("a last chunk of 24 zeros", OK + CHUNKED + b"\r\n5\r\nhello\r\n000000000000000000000000\r\n\r\n"),
    Row("bare LF in the chunks", OK + CHUNKED + b"\r\n5\nhello\n0\n\n",
        why="RFC 9112 2.2 lets a lone LF end the first line and fields, not lines of chunks (7.1): readers "
        "differ about where such a chunk ends"),
    Row("bare LF after a chunk size", OK + CHUNKED + b"\r\n5\nhello\r\n0\r\n\r\n",
        why="RFC 9112 2.2 lets a lone LF end the first line and fields, not lines of chunks (7.1): readers "
        "differ about where such a chunk ends"),
    Row("a chunk extension", OK + CHUNKED + b"\r\n5;a=b\r\nhello\r\n0\r\n\r\n"),
    Row("a chunk extension of 300 bytes", OK + CHUNKED + b"\r\n5;" + b"a" * 300 + b"\r\nhello\r\n0\r\n\r\n"),
    Row("trailers", OK + CHUNKED + b"\r\n5\r\nhello\r\n0\r\nX: a\r\n\r\n"),
    Row("trailers with bare LF", OK + CHUNKED + b"\r\n5\r\nhello\r\n0\r\nX: a\n\r\n"),
    Row("a folded trailer", OK + CHUNKED + b"\r\n5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n"),
    Row("a trailer with a control byte", OK + CHUNKED + b"\r\n5\r\nhello\r\n0\r\nX: a\x01\r\n\r\n"),
    Row("100 before the answer", b"HTTP/1.1 100 Continue\r\n\r\n" + OK + LENGTH + b"\r\nhello"),
    Row("100 with a length", b"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n" + OK + LENGTH + b"\r\nhello"),
    Row("103 with a length of a body that is not there", b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n" + OK
        + LENGTH + b"\r\nhello"),
    Row("103 with bare LF", b"HTTP/1.1 103 Early Hints\nLink: </a>\n\n" + OK + LENGTH + b"\r\nhello"),
    Row("101 that nobody asked for", b"HTTP/1.1 101 Switching Protocols\r\n\r\nhello", status=101),
    Row("204 with a length", b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", status=204, body=b""),
    Row("204 with a body", b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", status=204, body=b""),
    Row("304 with chunked", b"HTTP/1.1 304 Not Modified\r\n" + CHUNKED + b"\r\n", status=304, body=b""),
    Row("an answer to HEAD with both framings", OK + LENGTH + CHUNKED + b"\r\n", body=b"", method=b"HEAD"),
    Row("an answer to HEAD with a body", OK + LENGTH + b"\r\nhello", body=b"", method=b"HEAD"),
    Row("more bytes than the length", OK + LENGTH + b"\r\nhello, world"),
    Row("120 fields", OK + b"".join(b"X-%d: 1\r\n" % n for n in range(120)) + LENGTH + b"\r\nhello"),
    Row("12 KiB of fields", OK + (b"Set-Cookie: " + b"a" * 4000 + b"\r\n") * 3 + LENGTH + b"\r\nhello"),
]

GET = b"GET / HTTP/1.1\r\n"
HOST = b"Host: a\r\n"

# What a visitor sends. A server is to get one request, and its answer to come back.
REQUESTS = [
    Row("a plain request", GET + HOST + b"\r\n"),
    Row("UTF-8 in the path", b"GET /caf\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n"),
    Row("Latin-1 in the query", b"GET /a?q=\xe9 HTTP/1.1\r\n" + HOST + b"\r\n"),
    Row("a blank in the target", b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n"),
    Row("a # in the target", b"GET /a#b HTTP/1.1\r\n" + HOST + b"\r\n"),
    Row("brackets and bars in the target", b"GET /a[1]|{2}\\\"<>^` HTTP/1.1\r\n" + HOST + b"\r\n"),
    Row("HTTP/1.2", b"GET / HTTP/1.2\r\n" + HOST + b"\r\n"),
    Row("HTTP/1.9", b"GET / HTTP/1.9\r\n" + HOST + b"\r\n"),
    Row("an absolute target with another Host", b"GET http://b/ HTTP/1.1\r\n" + HOST + b"\r\n"),
    Row("an absolute target in capitals", b"GET HTTP://A/ HTTP/1.1\r\n" + HOST + b"\r\n"),
    Row("an empty line first", b"\r\n" + GET + HOST + b"\r\n"),
    Row("two empty lines first", b"\r\n\r\n" + GET + HOST + b"\r\n"),
    Row("three empty lines first", b"\r\n\r\n\r\n" + GET + HOST + b"\r\n",
        why="RFC 9112 2.2: at least one is passed over, and here two; more are bytes that belong to nobody"),
    Row("bare LF everywhere", b"GET / HTTP/1.1\nHost: a\n\n",
        why="requests are read strictly: a lone LF is how requests are smuggled past whoever reads it "
        "otherwise"),
    Row("a folded field", GET + HOST + b"X: a\r\n b\r\n\r\n"),
    Row("no Host", GET + b"\r\n"),
    Row("no Host in HTTP/1.0", b"GET / HTTP/1.0\r\n\r\n"),
    Row("an empty Host", GET + b"Host:\r\n\r\n"),
    Row("Host with an underscore", GET + b"Host: a_b.example\r\n\r\n"),
    Row("Host with a dot at its end", GET + b"Host: a.example.\r\n\r\n"),
    Row("Host in UTF-8", GET + b"Host: caf\xc3\xa9.example\r\n\r\n",
        why="RFC 3986 3.2.2: a host outside of ASCII comes as its A-labels (xn--); servers disagree about "
        "raw bytes"),
    Row("Transfer_Encoding", GET + HOST + b"Transfer_Encoding: chunked\r\n\r\n"),
    Row("Transfer---Encoding", GET + HOST + b"Transfer---Encoding: chunked\r\n\r\n"),
    Row("a name with a dot", GET + HOST + b"X.Y: a\r\n\r\n"),
    Row("a name with a blank", GET + HOST + b"X Y: a\r\n\r\n"),
    Row("a blank before the colon", GET + HOST + b"X : a\r\n\r\n"),
    Row("a control byte in a value", GET + HOST + b"X: a\x01b\r\n\r\n",
        why="RFC 9110 5.5: invalid, and servers differ about where such a value ends; no browser sends one"),
    Row("bytes above 0x7f in a value", GET + HOST + b"X: caf\xc3\xa9\r\n\r\n"),
    Row("TRACE", b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n"),
    Row("Upgrade: h2c", GET + HOST + b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMA\r\n\r\n"),
    Row("Upgrade: h2c without Connection", GET + HOST + b"Upgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n"),
    Row("two lengths that agree", b"POST / HTTP/1.1\r\n" + HOST + LENGTH * 2 + b"\r\nhello"),
    Row("Content-Length beside chunked", b"POST / HTTP/1.1\r\n" + HOST + LENGTH + CHUNKED + b"\r\n" + HELLO),
    Row("chunk sizes padded with blanks", b"POST / HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n5  \r\nhello\r\n0\r\n\r\n",
        why="requests are read strictly: chunk sizes that two readers read otherwise are how requests are "
        "smuggled"),
    Row("a body of GET", GET + HOST + LENGTH + b"\r\nhello"),
    Row("an unknown method", b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n"),
    Row("Expect of something else", GET + HOST + b"Expect: the-unexpected\r\n\r\n",
        why="RFC 9110 10.1.1: 417 says that nobody here meets the expectation; the server would not hear of "
        "it in time"),
    Row("Connection with a semicolon", GET + HOST + b"Connection: close;\r\n\r\n",
        why="RFC 9110 7.6.1: no list of tokens, so it is not known which fields it takes away from us"),
    Row("Connection with a quoted word", GET + HOST + b'Connection: "close"\r\n\r\n',
        why="RFC 9110 7.6.1: no list of tokens, so it is not known which fields it takes away from us"),
    Row("Connection that names 20 fields", GET + HOST + b"Connection: " + b", ".join(b"x%d" % n for n in range(20))
        + b"\r\n\r\n",
        why="more than 16 names have no honest use, and names times fields is work that the client chooses"),
    Row("seven KiB of cookies", GET + HOST + b"Cookie: a=" + b"b" * 7000 + b"\r\n\r\n"),
    Row("Cookie twice", GET + HOST + b"Cookie: a=b\r\nCookie: c=d\r\n\r\n"),
    Row("90 fields", GET + HOST + b"".join(b"X-%d: 1\r\n" % n for n in range(90)) + b"\r\n"),
    Row("120 fields", GET + HOST + b"".join(b"X-%d: 1\r\n" % n for n in range(120)) + b"\r\n"),
]

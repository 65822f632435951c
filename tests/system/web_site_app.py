"""The application behind one web server of the site (web_site.py). Its first request is slow, because it loads the
application. Then nginx serves the page that it has written.

    web_site_app.py PORT FOLDER RELEASE SECONDS
"""

import http.server
import pathlib
import sys
import threading
import time

PORT, FOLDER, RELEASE, SECONDS = int(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3], float(sys.argv[4])
loading = threading.Lock()


class Application(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        page = FOLDER / "www" / "index.html"
        with loading:
            if not page.exists():
                time.sleep(SECONDS)
                page.with_suffix(".new").write_text(f"<h1>The site</h1><p>release {RELEASE}</p>\n")
                page.with_suffix(".new").rename(page)
        body = page.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *words):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Application).serve_forever()

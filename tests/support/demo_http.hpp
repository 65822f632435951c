// The demo server's HTTP/1.1: one blocking connection, a handful of pages. Used by demo_server only. It shares no code
// with core/http, because a common mistake would stay hidden.
#pragma once

#include <atomic>
#include <string>

namespace tests::support {

// The pages' texts and the server's health. Outlives every connection.
struct DemoSite {
    std::string name = "demo";
    std::atomic<bool> unhealthy{false};  // every page but /alive answers 503
};

// Serves one connection until it ends. Pages, for GET, HEAD and POST:
//   /echo            the request's body, framed as it came
//   /head            the request's head, as it came
//   /chunked?size=N  a body in chunks;  /bytes?size=N  the same with a Content-Length
//   /slow?ms=N       answers after N ms;  /drip?ms=N  ten pieces of body over N ms
//   /status?code=N   that status
//   /ws              101 to an Upgrade, then echoes every byte
//   anything else    "<name>: <method> <target>"
void serve_http(int fd, const DemoSite& site);

}  // namespace tests::support

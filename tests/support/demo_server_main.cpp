// demo_server: a small application server to stand behind Gatehouse in `./dev run` and in the tests. HTTP/1.1 (pages:
// demo_http.hpp) and a TCP echo for the chat role, one thread per connection.
//
//     demo_server --name web1 --listen 10.80.0.11:80 [--listen ...] [--tcp-echo 10.80.0.11:5222] [--sick-file PATH]
//
// SIGUSR1 makes it unwell (503 on every page but /alive) and well again; so does a file at PATH while it exists.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/demo_http.hpp"
#include "tests/support/sockets.hpp"

namespace {

using core::Address;
using core::base::Descriptor;

tests::support::DemoSite site;
std::string sick_file;

struct Listener {
    Descriptor socket;
    bool http;
};

int usage() {
    std::fprintf(
        stderr,
        "usage: demo_server --name NAME --listen ADDRESS:PORT... [--tcp-echo ADDRESS:PORT] [--sick-file PATH]\n");
    return 2;
}

// The file is looked for at each connection, also of health checks; that is often enough.
void serve_http(const Descriptor& client) {
    if (!sick_file.empty()) {
        site.unhealthy = ::access(sick_file.c_str(), F_OK) == 0;
    }
    tests::support::serve_http(client.get(), site);
}

void run(const Listener& listener) {
    if (listener.http) {
        tests::support::serve(listener.socket.get(), [](const Descriptor& client) { serve_http(client); });
    } else {
        tests::support::serve(listener.socket.get(),
                              [](const Descriptor& client) { tests::support::pump(client.get(), client.get()); });
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<Listener> listeners;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view option = argv[i];
        const std::string_view value = argv[i + 1];
        if (option == "--name") {
            site.name = value;
        } else if (option == "--sick-file") {
            sick_file = value;
        } else if (option == "--listen" || option == "--tcp-echo") {
            auto socket = Address::parse(value).and_then(
                [](const Address& address) { return tests::support::listen_on(address); });
            if (!socket) {
                std::fprintf(stderr, "demo_server: %s\n", socket.error().line().c_str());
                return 1;
            }
            listeners.push_back({std::move(*socket), option == "--listen"});
        } else {
            return usage();
        }
    }
    if (listeners.empty()) {
        return usage();
    }
    std::signal(SIGUSR1, [](int) { site.unhealthy = !site.unhealthy; });
    std::vector<std::jthread> threads;
    for (const Listener& listener : listeners) {
        threads.emplace_back([&listener] { run(listener); });
    }
}

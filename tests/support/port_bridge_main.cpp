// port_bridge: makes a port inside a network namespace reachable from the host without touching the host's network. It
// listens in the namespace it is started in, then moves into the other one, and connects onward there. A socket stays
// in the namespace it was created in, and an accepted one in that of its listener.
//
//     port_bridge --namespace NAME --listen 127.0.0.1:8080 --to 127.0.0.1:8080
//     port_bridge --free 127.0.0.1:8080        exits 0 when the address can be listened on, else says why not
#include <fcntl.h>
#include <sched.h>

#include <cerrno>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>

#include "tests/support/sockets.hpp"

namespace {

using core::Address;
using core::Result;
using core::base::Descriptor;
using Options = std::map<std::string, std::string, std::less<>>;

int refuse(const core::Error& error) {
    std::fprintf(stderr, "port_bridge: %s\n", error.line().c_str());
    return 1;
}

Result<void> enter_namespace(const std::string& name) {
    const std::string path = "/run/netns/" + name;
    const Descriptor target{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!target.valid() || ::setns(target.get(), CLONE_NEWNET) != 0) {
        return core::fail_os("cannot enter the network namespace " + name, errno);
    }
    return {};
}

Result<Descriptor> listen_on_text(std::string_view text) {
    return Address::parse(text).and_then([](const Address& address) { return tests::support::listen_on(address); });
}

int bridge(const Options& options) {
    const auto target = Address::parse(options.at("--to"));
    if (!target) {
        return refuse(target.error());
    }
    const auto listener = listen_on_text(options.at("--listen"));
    if (!listener) {
        return refuse(listener.error());
    }
    if (const auto entered = enter_namespace(options.at("--namespace")); !entered) {
        return refuse(entered.error());
    }
    tests::support::serve(listener->get(), [address = *target](const Descriptor& client) {
        const auto onward = tests::support::connect_to(address);
        if (onward) {
            tests::support::relay(client.get(), onward->get());
        }
    });
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    for (int i = 1; i + 1 < argc; i += 2) {
        options[argv[i]] = argv[i + 1];
    }
    if (options.contains("--free")) {
        const auto listener = listen_on_text(options["--free"]);
        return listener ? 0 : refuse(listener.error());
    }
    if (!options.contains("--namespace") || !options.contains("--listen") || !options.contains("--to")) {
        std::fprintf(stderr, "usage: port_bridge --namespace NAME --listen ADDRESS:PORT --to ADDRESS:PORT\n");
        return 2;
    }
    return bridge(options);
}

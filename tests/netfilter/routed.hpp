// The network namespaces of a client and a backend. The test's own one routes between them.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>

#include "kernel.hpp"

namespace netfilter::test {

class Routed {
public:
    // Made in the namespace of the calling thread, which becomes the router's.
    Routed()
        : router_(here()),
          client_(join("c", "10.1.0.1", "10.1.0.2", "fd01::1", "fd01::2")),
          backend_(join("s", "10.2.0.1", "10.2.0.2", "fd02::1", "fd02::2")) {
        run("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
    }

    // The result of `make` in that namespace. A socket stays in the namespace in which it was made.
    template <typename Make>
    auto in_client(Make make) const {
        return in(client_, make);
    }
    template <typename Make>
    auto in_backend(Make make) const {
        return in(backend_, make);
    }

private:
    static Descriptor here() { return Descriptor(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)); }
    static void enter(const Descriptor& space) { EXPECT_EQ(setns(space.get(), CLONE_NEWNET), 0) << strerror(errno); }
    template <typename Make>
    auto in(const Descriptor& space, Make make) const {
        enter(space);
        auto made = make();
        enter(router_);
        return made;
    }
    Descriptor join(const char* name, const char* near, const char* far, const char* near6, const char* far6) const {
        EXPECT_EQ(unshare(CLONE_NEWNET), 0);
        auto made = here();
        enter(router_);
        const auto path = fmt::format("/proc/{}/fd/{}", getpid(), made.get());
        run(fmt::format("ip link add {0} type veth peer name {0}1 netns {1}", name, path));
        run(fmt::format("ip addr add {}/24 dev {}", near, name));
        run(fmt::format("ip addr add {}/64 dev {} nodad", near6, name));
        run(fmt::format("ip link set {} up", name));
        enter(made);
        run(fmt::format("ip addr add {}/24 dev {}1", far, name));
        run(fmt::format("ip addr add {}/64 dev {}1 nodad", far6, name));
        run(fmt::format("ip link set {}1 up", name));
        run(fmt::format("ip route add default via {}", near));
        run(fmt::format("ip -6 route add default via {}", near6));
        enter(router_);
        return made;
    }

    Descriptor router_;
    Descriptor client_;
    Descriptor backend_;
};

}  // namespace netfilter::test

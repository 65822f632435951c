// Forwarding: whether this machine forwards packets for other hosts, which redirected connections need. One
// machine-wide switch for each family: net.ipv4.ip_forward and net.ipv6.conf.all.forwarding.
#pragma once

#include <array>

#include "core/base/descriptor.hpp"
#include "core/base/result.hpp"

namespace netfilter {

struct Forwarding {
    bool on = false;
    // For IPv4: net.ipv4.conf.all.accept_redirects. The kernel sets it to the opposite of `on` whenever that changes
    // (inet_forward_change). So restoring `on` must restore this one too. Always false for IPv6.
    bool accept_redirects = false;

    friend bool operator==(const Forwarding&, const Forwarding&) = default;
};

// The switches of the network namespace in which they were opened. Not thread safe. With CAP_NET_ADMIN any user may
// write them (net_ctl_permissions), unless /proc/sys is mounted read-only.
class ForwardingSwitches {
public:
    // The first read or write reports what could not be opened.
    ForwardingSwitches();

    // Errors: the kernel has no such family, or there is no /proc.
    [[nodiscard]] core::Result<Forwarding> read(bool v4) const;
    // Errors: as of read; /proc/sys is read-only, as in most containers; no CAP_NET_ADMIN.
    [[nodiscard]] core::Result<void> write(bool v4, const Forwarding& wanted) const;

private:
    struct Switch {
        const char* path = nullptr;
        core::base::Descriptor file;
        int os_error = 0;  // why it is not open for writing
    };
    static Switch open(const char* path);
    static core::Result<bool> read(const Switch& one);
    static core::Result<void> write(const Switch& one, bool on);

    Switch ip_forward_;
    Switch accept_redirects_;
    Switch ipv6_forwarding_;
};

}  // namespace netfilter

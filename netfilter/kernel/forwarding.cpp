#include "netfilter/kernel/forwarding.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace netfilter {
namespace {

core::base::Descriptor open_file(const char* path, int mode) {
    return core::base::Descriptor(::open(path, mode | O_CLOEXEC));
}

}  // namespace

ForwardingSwitches::ForwardingSwitches()
    : ip_forward_(open("/proc/sys/net/ipv4/ip_forward")),
      accept_redirects_(open("/proc/sys/net/ipv4/conf/all/accept_redirects")),
      ipv6_forwarding_(open("/proc/sys/net/ipv6/conf/all/forwarding")) {}

ForwardingSwitches::Switch ForwardingSwitches::open(const char* path) {
    Switch made{path, open_file(path, O_RDWR), 0};
    if (!made.file.valid()) {
        made.os_error = errno;
        made.file = open_file(path, O_RDONLY);
    }
    return made;
}

core::Result<Forwarding> ForwardingSwitches::read(bool v4) const {
    Forwarding found;
    const auto on = read(v4 ? ip_forward_ : ipv6_forwarding_);
    if (!on) {
        return tl::unexpected(on.error());
    }
    found.on = *on;
    if (v4) {
        const auto accept = read(accept_redirects_);
        if (!accept) {
            return tl::unexpected(accept.error());
        }
        found.accept_redirects = *accept;
    }
    return found;
}

core::Result<void> ForwardingSwitches::write(bool v4, const Forwarding& wanted) const {
    return write(v4 ? ip_forward_ : ipv6_forwarding_, wanted.on).and_then([&]() -> core::Result<void> {
        return v4 ? write(accept_redirects_, wanted.accept_redirects) : core::Result<void>();
    });
}

core::Result<bool> ForwardingSwitches::read(const Switch& one) {
    char digit = 0;
    const ssize_t size = one.file.valid() ? ::pread(one.file.get(), &digit, 1, 0) : -1;
    if (size != 1) {
        return core::fail_os(std::string("cannot read ") + one.path, one.file.valid() ? errno : one.os_error);
    }
    return digit != '0';
}

// From the file's beginning: the kernel accepts a number nowhere else (kernel.sysctl_writes_strict).
core::Result<void> ForwardingSwitches::write(const Switch& one, bool on) {
    const char digit = on ? '1' : '0';
    if (one.os_error != 0) {
        return core::fail_os(std::string("cannot change ") + one.path, one.os_error);
    }
    if (::lseek(one.file.get(), 0, SEEK_SET) != 0 || ::write(one.file.get(), &digit, 1) != 1) {
        return core::fail_os(std::string("cannot change ") + one.path, errno);
    }
    return {};
}

}  // namespace netfilter

// The system call half of the sandbox. libseccomp stays in this file.
#include <seccomp.h>

#include <cerrno>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/boot/confine/sandbox.hpp"
#include "appliance/boot/confine/syscall_list.hpp"

namespace appliance::boot {
namespace {

using Filter = std::unique_ptr<void, decltype([](void* filter) { ::seccomp_release(filter); })>;

core::Result<void> add_rule(void* filter, std::uint32_t action, const std::string& call,
                            const std::vector<Condition>& conditions) {
    const int number = ::seccomp_syscall_resolve_name(call.c_str());
    // Not every architecture has every call ("open", "time"), and not every library knows it. A missing call is
    // skipped.
    if (number == __NR_SCMP_ERROR) {
        return {};
    }
    std::vector<scmp_arg_cmp> comparisons;
    for (const Condition& one : conditions) {
        comparisons.push_back({one.argument, SCMP_CMP_MASKED_EQ, one.mask, one.value});
    }
    const int added =
        ::seccomp_rule_add_array(filter, action, number, static_cast<unsigned>(comparisons.size()), comparisons.data());
    return added == 0 || added == -EDOM ? core::Result<void>()
                                        : core::fail_os("cannot make a rule for the system call " + call, -added);
}

core::Result<void> load(void* filter) {
    ::seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    ::seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);  // set long ago, see drop_privileges
    const int loaded = ::seccomp_load(filter);
    return loaded == 0 ? core::Result<void>() : core::fail_os("cannot load the system call filter", -loaded);
}

// The kernel remembers which calls a filter allows whatever their arguments (since 5.11), and does not run it for
// those. An older one walks the list from the top.
void put_first(void* filter, const std::string& call) {
    ::seccomp_syscall_priority(filter, ::seccomp_syscall_resolve_name(call.c_str()), 255);
}

}  // namespace

core::Result<void> restrict_syscalls(Role role) {
    // EPERM rather than a kill: a new C library may try a call that it can do without, and that must not stop traffic.
    const Filter filter(::seccomp_init(SCMP_ACT_ERRNO(EPERM)));
    if (!filter) {
        return core::fail("cannot make the system call filter", "out of memory");
    }
    for (const std::string& call : unknown_calls()) {
        if (auto added = add_rule(filter.get(), SCMP_ACT_ERRNO(ENOSYS), call, {}); !added) {
            return added;
        }
    }
    const auto calls = allowed_calls(role);
    for (const AllowedCall& one : calls) {
        if (auto added = add_rule(filter.get(), SCMP_ACT_ALLOW, one.call, one.conditions); !added) {
            return added;
        }
    }
    put_first(filter.get(), calls.front().call);
    return load(filter.get());
}

core::Result<void> shut_rings() {
    if (sanitized()) {
        return {};
    }
    // Above the first filter, so it names only what it takes away: it stays short.
    const Filter filter(::seccomp_init(SCMP_ACT_ALLOW));
    if (!filter) {
        return core::fail("cannot make the second system call filter", "out of memory");
    }
    std::set<std::string> ended;
    for (const AllowedCall& one : allowed_calls(Role::proxy)) {
        if (one.lasting == Lasting::until_the_rings_are_made && ended.insert(one.call).second) {
            if (auto added = add_rule(filter.get(), SCMP_ACT_ERRNO(EPERM), one.call, {}); !added) {
                return added;
            }
        }
    }
    return load(filter.get());
}

}  // namespace appliance::boot

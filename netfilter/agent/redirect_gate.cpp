#include "netfilter/agent/redirect_gate.hpp"

#include <utility>

namespace netfilter {
namespace {

constexpr core::Milliseconds patience{2'000};

}  // namespace

RedirectGate::RedirectGate(core::base::Descriptor supervisor) : supervisor_(std::move(supervisor), patience) {}

core::Result<void> RedirectGate::pass(std::span<const Redirect> redirects) {
    if (passed_.check(redirects)) {
        return {};
    }
    if (const auto allowed = supervisor_.put_redirects(redirects); !allowed) {
        // Drops the error number: to control it would mean its own link.
        return allowed.error().os_error == 0
                   ? tl::unexpected(allowed.error())
                   : core::fail("cannot ask the supervisor whether the configuration file names the redirects",
                                allowed.error().why, "gatehouse tries again");
    }
    passed_ = {};
    passed_.add(redirects);
    return {};
}

}  // namespace netfilter

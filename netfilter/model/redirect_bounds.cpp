#include "netfilter/model/redirect_bounds.hpp"

#include <fmt/format.h>

namespace netfilter {
namespace {

tl::unexpected<core::Error> beyond(const std::string& what) {
    return core::fail("cannot redirect " + what, "the configuration file does not name it",
                      "where the file was changed: gatehouse reload");
}

}  // namespace

void RedirectBounds::add(std::span<const Redirect> redirects) {
    for (const Redirect& redirect : redirects) {
        Named& named = named_[redirect.name];
        named.listeners.emplace(redirect.listener, redirect.masquerade);
        for (const RedirectBackend& backend : redirect.backends) {
            named.backends.insert(backend.address);
        }
    }
}

void RedirectBounds::add_port(const std::string& listener, std::uint16_t port) {
    named_[listener].ports.insert(port);
}

core::Result<void> RedirectBounds::check(std::span<const Redirect> redirects) const {
    for (const Redirect& redirect : redirects) {
        const auto named = named_.find(redirect.name);
        if (named == named_.end() || !named->second.listeners.contains({redirect.listener, redirect.masquerade})) {
            return beyond(fmt::format("{} as '{}' {} masquerade", redirect.listener.text(), redirect.name,
                                      redirect.masquerade ? "with" : "without"));
        }
        for (const RedirectBackend& backend : redirect.backends) {
            if (!named->second.backends.contains(backend.address) &&
                !named->second.ports.contains(backend.address.port())) {
                return beyond(fmt::format("'{}' to {}", redirect.name, backend.address.text()));
            }
        }
    }
    return {};
}

}  // namespace netfilter

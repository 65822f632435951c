// RedirectBounds: which redirects may be made. Pure. The supervisor fills one from its own reading of the
// configuration. The fence process fills one from what the supervisor has allowed (redirect_gate.hpp).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "netfilter/model/redirect.hpp"

namespace netfilter {

class RedirectBounds {
public:
    // Allows these from now on: the listener under its name and with its masquerade, and the backends for that name.
    // Earlier permissions stay: a listener that moves keeps its old servers until the new ones are checked.
    void add(std::span<const Redirect> redirects);

    // Allows any address as a backend on that port, for the listener of that name. For servers that are found by a
    // name: the configuration does not contain their addresses.
    void add_port(const std::string& listener, std::uint16_t port);

    // Ignores spread, weights and eligibility. Error: the first listener or backend that was not added.
    [[nodiscard]] core::Result<void> check(std::span<const Redirect> redirects) const;

private:
    struct Named {
        std::set<std::pair<core::Address, bool>> listeners;  // with their masquerade
        std::set<core::Address> backends;
        std::set<std::uint16_t> ports;  // on which any address is a backend
    };

    std::map<std::string, Named, std::less<>> named_;
};

}  // namespace netfilter

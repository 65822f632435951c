// Lookups: the addresses of names, from the machine's name service. A look-up cannot be cancelled, so it has a thread
// of its own. At the deadline that thread is left behind. The number of such threads is bounded.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/result.hpp"

namespace appliance::base {

// Any thread may ask. Threads that were left behind may outlive it.
class Lookups {
public:
    // at_once: the most look-ups at a time, with those that were left behind. answers: the most addresses of one name.
    // Each 1 or more.
    Lookups(unsigned at_once, std::size_t answers);

    // The addresses of a name, or an address as text, with that port. In the order to try (RFC 6724). Waits for one of
    // at_once, too. Errors: no such name, no answer or no place by the deadline, no thread to ask in.
    core::Result<std::vector<core::Address>> look_up(const std::string& host, std::uint16_t port,
                                                     std::chrono::steady_clock::time_point deadline);

private:
    struct Places;
    std::shared_ptr<Places> places_;
    std::size_t answers_;
};

}  // namespace appliance::base

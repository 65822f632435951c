// Lookups: the addresses of names, asked of the machine's name service. It cannot be told to stop, so it is asked in a
// thread that is left behind when the time is up, and so many at a time may be.
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
    // at_once: so many names at a time, with those that were left behind; answers: what counts of one answer. Each 1 or
    // more.
    Lookups(unsigned at_once, std::size_t answers);

    // The addresses of a name, or of an address in words, with that port, in the order to try (RFC 6724). Waits for a
    // place, too. Errors: no such name, no answer or no place by the deadline, no thread to ask in.
    core::Result<std::vector<core::Address>> look_up(const std::string& host, std::uint16_t port,
                                                     std::chrono::steady_clock::time_point deadline);

private:
    struct Places;
    std::shared_ptr<Places> places_;
    std::size_t answers_;
};

}  // namespace appliance::base

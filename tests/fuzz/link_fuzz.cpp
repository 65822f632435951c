// libFuzzer target: check_requests(bytes) and check_replies(bytes) of link_checks.hpp.
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/link_checks.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    netfilter::fuzz::hold(netfilter::fuzz::check_replies, data, size);
    return netfilter::fuzz::hold(netfilter::fuzz::check_requests, data, size);
}

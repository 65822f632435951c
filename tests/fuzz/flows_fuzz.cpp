// libFuzzer target: check_flows(bytes) of netlink_checks.hpp, on the answers of sock_diag and ctnetlink.
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/netlink_checks.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return netfilter::fuzz::hold(netfilter::fuzz::check_flows, data, size);
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t room,
                                               unsigned chance) {
    static const std::vector<netfilter::fuzz::Bytes> seeds{netfilter::fuzz::seed_flows()};
    return netfilter::fuzz::mutate(seeds, data, size, room, chance);
}

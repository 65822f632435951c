// libFuzzer target: check_monitor(bytes) of netlink_checks.hpp, on the announcements of nf_tables.
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/netlink_checks.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return netfilter::fuzz::hold(netfilter::fuzz::check_monitor, data, size);
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t room,
                                               unsigned chance) {
    static const std::vector<netfilter::fuzz::Bytes> seeds{netfilter::fuzz::seed_announcement()};
    return netfilter::fuzz::mutate(seeds, data, size, room, chance);
}

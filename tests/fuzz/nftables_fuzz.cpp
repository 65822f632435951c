// libFuzzer target: check_nftables(bytes) of netlink_checks.hpp, on the answers of nf_tables: tables, chains, rules,
// maps, elements, acknowledgements.
#include "tests/fuzz/fail_stop.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/netlink_checks.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto check = [](std::span<const std::byte> bytes) {
        return netfilter::fuzz::until_stopped(netfilter::fuzz::check_nftables, bytes);
    };
    return netfilter::fuzz::hold(check, data, size);
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t room,
                                               unsigned chance) {
    static const std::vector<netfilter::fuzz::Bytes> seeds{netfilter::fuzz::seed_elements(),
                                                           netfilter::fuzz::seed_tables()};
    return netfilter::fuzz::mutate(seeds, data, size, room, chance);
}

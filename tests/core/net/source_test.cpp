// Source addresses of connections: an address of this machine, in turn where there are several.
#include <gtest/gtest.h>

#include <cerrno>

#include "core/net/socket.hpp"
#include "tests/support/socket_pair.hpp"

namespace core::net::testing {
namespace {

// One socket, as for checks: each of its connections may have another source address.
TEST(Sources, LeavesFromTheSourceAddressThatWasChosen) {
    Address listening;
    const base::Descriptor listener = tests::listen_on_loopback(listening);
    const auto fd = open_socket(AF_INET);
    ASSERT_TRUE(fd.has_value());
    sockaddr_storage storage{};
    const socklen_t size = listening.fill(storage);
    for (const char* source : {"127.0.0.31:0", "127.0.0.32:0"}) {
        EXPECT_EQ(bind_source(fd->get(), *Address::parse(source)), 0);
        ::connect(fd->get(), reinterpret_cast<sockaddr*>(&storage), size);
        EXPECT_EQ(local_of(fd->get()).with_port(0), *Address::parse(source));
        disconnect(fd->get());
    }
    EXPECT_EQ(bind_source(fd->get(), *Address::parse("203.0.113.1:0")), -EADDRNOTAVAIL);
    EXPECT_TRUE(is_shortage(EADDRNOTAVAIL));
}

TEST(Sources, SourcesOfAFamilyTakeTurns) {
    const std::vector<Address> sources{*Address::parse("10.0.0.5:0"), *Address::parse("[fd00::5]:0"),
                                       *Address::parse("10.0.0.6:0")};
    EXPECT_EQ(*source_of(sources, AF_INET, 0), sources[0]);
    EXPECT_EQ(*source_of(sources, AF_INET, 1), sources[2]);
    EXPECT_EQ(*source_of(sources, AF_INET, 2), sources[0]);
    EXPECT_EQ(*source_of(sources, AF_INET6, 7), sources[1]);
    EXPECT_EQ(source_of({}, AF_INET, 0), nullptr);
}

}  // namespace
}  // namespace core::net::testing

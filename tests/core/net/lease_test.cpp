// Sockets that share a handful of receive buffers.
#include <gtest/gtest.h>
#include "core/io/task.hpp"
#include "core/net/socket.hpp"
#include "tests/support/socket_pair.hpp"
namespace core::net {
namespace {
io::Task<void> take(Socket& socket, io::Lease& lease, int& got) {
    got = co_await socket.receive(lease);
}
// An idle socket and one with data both wait for the only buffer. When it returns, the one with data must get it.
TEST(Lease, AReturnedBufferIsNotSwallowedByAnIdleWaiter) {
    auto made = io::Loop::create({.buffers = {.count = 1, .size = 4096, .published = 1}});
    ASSERT_TRUE(made);
    io::Loop& loop = **made;
    auto [ac, as] = tests::socket_pair();
    auto [bc, bs] = tests::socket_pair();
    auto [cc, cs] = tests::socket_pair();
    Socket a(loop, std::move(as)), b(loop, std::move(bs)), c(loop, std::move(cs));
    io::Lease la, lb, lc;
    int ga = -1, gb = -1, gc = -1;
    ASSERT_EQ(::send(ac.get(), "a", 1, 0), 1);
    io::TaskGroup tasks;
    tasks.start(take(a, la, ga));
    loop.run_until([&] { return ga == 1; });
    tasks.start(take(b, lb, gb));  // idle
    tasks.start(take(c, lc, gc));
    ASSERT_EQ(::send(cc.get(), "c", 1, 0), 1);
    for (int i = 0; i < 3; ++i)
        loop.run_once(20);
    la.release();
    for (int i = 0; i < 50 && gc < 0; ++i)
        loop.run_once(20);
    EXPECT_EQ(gc, 1) << "data has waited for a second; buffers on loan: " << loop.buffers().on_loan();
    b.abort();
    c.abort();
    lc.release();
    loop.run_until([&] { return tasks.empty() && loop.pending() == 0; });
    lb.release();
    lc.release();
}
}  // namespace
}  // namespace core::net

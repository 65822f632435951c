// Fences in the real kernel, seen by connects and by nft.
#include "netfilter/fence/fence_manager.hpp"

#include "kernel.hpp"

namespace netfilter::test {
namespace {

using FenceManagerTest = Kernel;

class FencedBackend : public Kernel, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Families, FencedBackend, testing::Values("127.0.0.1", "::1"),
                         [](const auto& each) { return std::string(each.index == 0 ? "v4" : "v6"); });

TEST_P(FencedBackend, RefusesNewConnectionsUntilUnfenced) {
    const Listener backend(GetParam());
    ASSERT_EQ(connect_error(backend.address()), 0);
    apply({make_fence(backend.address())});
    EXPECT_EQ(connect_error(backend.address()), ECONNREFUSED);
    apply({Unfence{backend.address()}});
    EXPECT_EQ(connect_error(backend.address()), 0);
}

TEST_P(FencedBackend, IsRefusedWithinMillisecondsInResetMode) {
    const Listener backend(GetParam());
    apply({make_fence(backend.address())});
    const Descriptor blocking(socket(backend.address().family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage storage{};
    const auto length = backend.address().fill(storage);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(connect(blocking.get(), reinterpret_cast<sockaddr*>(&storage), length), -1);
    EXPECT_EQ(errno, ECONNREFUSED);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(200));
}

TEST_P(FencedBackend, LetsProbesWithTheMarkThrough) {
    const Listener backend(GetParam());
    auto all = make_fence(backend.address());
    all.scope = Scope::all;
    for (const auto& fence : {make_fence(backend.address()), all}) {
        apply({fence});
        EXPECT_EQ(connect_error(backend.address(), probe_mark), 0);
        EXPECT_EQ(connect_error(backend.address()), ECONNREFUSED);
    }
}

TEST_P(FencedBackend, KeepsEstablishedConnectionsWorking) {
    const Listener backend(GetParam());
    const auto client = attempt(backend.address());
    ASSERT_EQ(client.os_error, 0);
    const auto server = backend.accept();
    apply({make_fence(backend.address())});
    char byte = 'x';
    ASSERT_EQ(write(client.descriptor.get(), &byte, 1), 1);
    pollfd readable{server.get(), POLLIN, 0};
    ASSERT_EQ(poll(&readable, 1, 3000), 1);
    EXPECT_EQ(read(server.get(), &byte, 1), 1);
    ASSERT_EQ(write(server.get(), &byte, 1), 1);
    readable.fd = client.descriptor.get();
    ASSERT_EQ(poll(&readable, 1, 3000), 1);
    EXPECT_EQ(read(client.descriptor.get(), &byte, 1), 1);
}

TEST_P(FencedBackend, ResetsEstablishedConnectionsInScopeAll) {
    const Listener backend(GetParam());
    const auto client = attempt(backend.address());
    const auto server = backend.accept();
    auto fence = make_fence(backend.address());
    fence.scope = Scope::all;
    apply({fence});
    char byte = 'x';
    ASSERT_EQ(write(client.descriptor.get(), &byte, 1), 1);
    pollfd ended{client.descriptor.get(), POLLIN, 0};
    ASSERT_EQ(poll(&ended, 1, 3000), 1);
    EXPECT_EQ(read(client.descriptor.get(), &byte, 1), -1);
    EXPECT_EQ(errno, ECONNRESET);
}

TEST_F(FenceManagerTest, IcmpModeAnswersThatTheHostIsProhibited) {
    const Listener backend("127.0.0.1");
    auto fence = make_fence(backend.address());
    fence.mode = Mode::icmp;
    apply({fence});
    EXPECT_EQ(connect_error(backend.address()), EHOSTUNREACH);
}

TEST_F(FenceManagerTest, DropModeAnswersNothing) {
    const Listener backend("127.0.0.1");
    auto fence = make_fence(backend.address());
    fence.mode = Mode::drop;
    apply({fence});
    EXPECT_EQ(connect_error(backend.address(), 0, 300), ETIMEDOUT);
}

TEST_F(FenceManagerTest, FencesOnlyTheNamedPortAndProtocol) {
    const Listener fenced("127.0.0.1");
    const Listener open("127.0.0.1");
    auto udp = make_fence(open.address());
    udp.protocol = IPPROTO_UDP;
    udp.scope = Scope::all;
    apply({make_fence(fenced.address()), udp});
    EXPECT_EQ(connect_error(fenced.address()), ECONNREFUSED);
    EXPECT_EQ(connect_error(open.address()), 0);
}

// Tracking would take the older connection for a new one. It would also cost time for every packet, and lose packets
// when its table is full.
TEST_F(FenceManagerTest, NeedsNoConnectionTrackingAndSparesConnectionsThatAreOlder) {
    ASSERT_TRUE(manager_->remove_table());
    const Listener backend("127.0.0.1");
    const auto older = attempt(backend.address());
    const auto accepted = backend.accept();
    apply({make_fence(backend.address())});
    ASSERT_EQ(send(older.descriptor.get(), "x", 1, MSG_NOSIGNAL), 1);
    char byte = 0;
    EXPECT_EQ(recv(accepted.get(), &byte, 1, 0), 1) << strerror(errno);
    EXPECT_EQ(connect_error(backend.address()), ECONNREFUSED);
    std::ifstream counted("/proc/sys/net/netfilter/nf_conntrack_count");
    std::string count = "0";  // where the kernel has none at all
    counted >> count;
    EXPECT_EQ(count, "0");
}

TEST_F(FenceManagerTest, CountsExactlyTheRefusedConnections) {
    const Listener backend("127.0.0.1");
    apply({make_fence(backend.address())});
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(connect_error(backend.address()), ECONNREFUSED);
    }
    ASSERT_EQ(list().size(), 1U);
    EXPECT_EQ(list()[0].packets, 3U);
    EXPECT_EQ(nft_elements("new4")[0][0]["elem"]["counter"]["packets"], 3);
}

TEST_F(FenceManagerTest, RefencingReplacesEverythingAndGoesOnCounting) {
    const Listener backend("127.0.0.1");
    apply({make_fence(backend.address())});
    EXPECT_EQ(connect_error(backend.address()), ECONNREFUSED);
    auto other = make_fence(backend.address());
    other.mode = Mode::drop;
    other.scope = Scope::all;
    other.why = "another reason";
    other.until = other.since + std::chrono::hours(1);
    apply({other});
    const auto found = list();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].mode, Mode::drop);
    EXPECT_EQ(found[0].scope, Scope::all);
    EXPECT_EQ(found[0].why, "another reason");
    EXPECT_EQ(found[0].until, other.until);
    EXPECT_EQ(found[0].packets, 1U);
    EXPECT_TRUE(nft_elements("new4").empty());
}

TEST_F(FenceManagerTest, FencingTheSameTwiceChangesNothing) {
    const auto fence = make_fence(*Address::parse("10.0.0.1:80"));
    apply({fence});
    const auto before = run("nft -j list ruleset");
    apply({fence});
    EXPECT_EQ(run("nft -j list ruleset"), before);
}

TEST_F(FenceManagerTest, UnfencingWhatIsNotFencedIsNoError) {
    apply({Unfence{*Address::parse("10.0.0.1:80")}});
    EXPECT_TRUE(list().empty());
}

TEST_F(FenceManagerTest, GivesBackTheMetadataAsItWasStored) {
    auto plain = make_fence(*Address::parse("10.0.0.1:80"));
    plain.until = plain.since + std::chrono::hours(2);
    auto nasty = make_fence(*Address::parse("[fd00::1]:8443"));
    nasty.mode = Mode::icmp;
    nasty.who = "Jürgen \"root\"";
    nasty.why = std::string("line\none; } \"quote\" 100% \\ \x01") + std::string(10'000, 'x');
    apply({plain, nasty});
    const auto found = list();
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0], as_stored(plain));
    EXPECT_EQ(found[1], as_stored(nasty));
    EXPECT_EQ(found[1].who, nasty.who);
    EXPECT_TRUE(found[1].why.starts_with("line\none; } \"quote\" 100% \\ \x01xx")) << found[1].why;
    EXPECT_TRUE(found[1].why.ends_with("...")) << found[1].why;
}

TEST_F(FenceManagerTest, AgreesWithNftFieldByField) {
    auto fence = make_fence(*Address::parse("10.0.0.1:80"));
    fence.until = fence.since + std::chrono::minutes(30);
    apply({fence});
    const auto elements = nft_elements("new4");
    ASSERT_EQ(elements.size(), 1U);
    const auto& element = elements[0][0]["elem"];
    EXPECT_EQ(element["val"]["concat"], nlohmann::json::parse(R"(["10.0.0.1", "tcp", 80])"));
    EXPECT_EQ(element["comment"], write_note(fence));
    EXPECT_NEAR(element["timeout"].get<int>(), 1800, 2);
    EXPECT_TRUE(elements[0][1].contains("continue")) << "to the end of the rule: goto deny-reset";
}

TEST_F(FenceManagerTest, TheKernelLiftsAFenceWhenItsTimeIsOver) {
    const Listener backend("127.0.0.1");
    auto fence = make_fence(backend.address());
    fence.until = core::base::wall_now() + std::chrono::milliseconds(400);
    apply({fence});
    EXPECT_EQ(connect_error(backend.address()), ECONNREFUSED);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (connect_error(backend.address()) != 0 && std::chrono::steady_clock::now() < deadline) {
    }
    EXPECT_EQ(connect_error(backend.address()), 0);
    EXPECT_GE(core::base::wall_now(), *fence.until - std::chrono::milliseconds(50));
    apply({Unfence{backend.address()}});
    apply({make_fence(backend.address())});
    EXPECT_EQ(connect_error(backend.address()), ECONNREFUSED);
}

TEST_F(FenceManagerTest, AFenceWithAPastEndIsLifted) {
    const auto backend = *Address::parse("10.0.0.1:80");
    apply({make_fence(backend)});
    auto over = make_fence(backend);
    over.until = over.since - std::chrono::seconds(1);
    apply({over});
    EXPECT_TRUE(list().empty());
}

TEST_F(FenceManagerTest, MakesAThousandChangesInOneTransaction) {
    std::vector<Change> changes;
    for (int i = 0; i < 1000; ++i) {
        const auto host = (i % 2 == 0 ? "10.0." : "fd00::") + std::to_string(i / 250) + (i % 2 == 0 ? "." : ":") +
                          std::to_string(i % 250);
        changes.emplace_back(make_fence(*Address::parse_host(host, 80)));
    }
    const auto before = nlohmann::json::parse(run("nft -j list ruleset"));
    apply(changes);
    EXPECT_EQ(list().size(), 1000U);
    EXPECT_EQ(nft_elements("new4").size() + nft_elements("new6").size(), 1000U);
    std::vector<Change> removals;
    for (const auto& change : changes) {
        removals.emplace_back(Unfence{std::get<Fence>(change).backend});
    }
    apply(removals);
    EXPECT_TRUE(list().empty());
    EXPECT_EQ(nlohmann::json::parse(run("nft -j list ruleset")), before);
}

TEST_F(FenceManagerTest, MakesNoChangeWhenOneOfThemIsInvalid) {
    auto bad = make_fence(*Address::parse("10.0.0.2:80"));
    bad.protocol = 47;
    const auto done = manager_->apply(std::vector<Change>{make_fence(*Address::parse("10.0.0.1:80")), bad});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().line(), "cannot fence 10.0.0.2:80: protocol 47 is neither tcp (6) nor udp (17)");
    auto udp = make_fence(*Address::parse("10.0.0.2:53"));
    udp.protocol = IPPROTO_UDP;
    EXPECT_EQ(validate(udp).error().line(),
              "cannot fence 10.0.0.2:53: no packet of UDP says that it begins a flow; fence all packets");
    EXPECT_TRUE(list().empty());
}

TEST_F(FenceManagerTest, OfSeveralChangesOfOneBackendTheLastCounts) {
    const auto backend = *Address::parse("10.0.0.1:80");
    auto second = make_fence(backend);
    second.why = "second";
    apply({make_fence(backend), Unfence{backend}, second});
    ASSERT_EQ(list().size(), 1U);
    EXPECT_EQ(list()[0].why, "second");
}

}  // namespace
}  // namespace netfilter::test

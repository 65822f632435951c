// Fences on an application server: real connects from two addresses, and nft as the oracle.
#include "netfilter/fence/host_fences.hpp"

#include <fmt/format.h>

#include "kernel.hpp"
#include "netfilter/fence/fence_table.hpp"

namespace netfilter::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

// The expected listing of the whole table by nft.
constexpr const char* listed = R"(table inet gatehouse_host_fence {
	comment "gatehouse schema=3"
	map new4 {
		type ipv4_addr . inet_proto . inet_service : verdict
		flags timeout
		counter
		elements = { 10.0.0.5 . tcp . 80 counter packets 0 bytes 0 comment "id=host-fence by=ann since=20261122T140305Z why=deploy" : continue }
	}

	map new6 {
		type ipv6_addr . inet_proto . inet_service : verdict
		flags timeout
		counter
		elements = { fd00::5 . tcp . 443 counter packets 0 bytes 0 comment "id=host-fence by=ann since=20261122T140305Z why=deploy" : drop }
	}

	chain deny-reset {
		meta l4proto tcp reject with tcp reset
	}

	chain deny-icmp {
		reject with icmpx admin-prohibited
	}

	chain input {
		type filter hook input priority filter - 5; policy accept;
		tcp flags syn tcp flags ! ack ip saddr . meta l4proto . tcp dport vmap @new4 goto deny-reset
		tcp flags syn tcp flags ! ack ip6 saddr . meta l4proto . tcp dport vmap @new6 goto deny-reset
	}
}
)";

Fence make_host_fence(const std::string& backend, Mode mode = Mode::reset) {
    Fence fence;
    fence.backend = *Address::parse(backend);
    fence.mode = mode;
    fence.id = "host-fence";
    fence.who = "ann";
    fence.why = "deploy";
    fence.since = *core::base::parse_time("2026-11-22T14:03:05Z");
    return fence;
}

// A connect from an address of ours; 0 or the error. A dropped one ends with the patience.
Attempt attempt_from(const char* from, const Address& to, std::chrono::milliseconds patience = 10s) {
    Attempt made{0, Descriptor(socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))};
    sockaddr_storage storage{};
    auto length = Address::parse_host(from, 0)->fill(storage);
    EXPECT_EQ(bind(made.descriptor.get(), reinterpret_cast<sockaddr*>(&storage), length), 0) << strerror(errno);
    length = to.fill(storage);
    connect(made.descriptor.get(), reinterpret_cast<sockaddr*>(&storage), length);
    pollfd waited{made.descriptor.get(), POLLOUT, 0};
    if (poll(&waited, 1, static_cast<int>(patience.count())) == 0) {
        made.os_error = ETIMEDOUT;
        return made;
    }
    socklen_t size = sizeof made.os_error;
    getsockopt(made.descriptor.get(), SOL_SOCKET, SO_ERROR, &made.os_error, &size);
    return made;
}

class HostFencesTest : public Kernel {
protected:
    void SetUp() override {
        Kernel::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        ASSERT_TRUE(manager_->remove_table());
        auto opened = HostFences::open();
        ASSERT_TRUE(opened) << opened.error().line();
        host_.emplace(std::move(*opened));
    }

    std::size_t change(const std::vector<Change>& changes) {
        const auto done = host_->apply(changes);
        EXPECT_TRUE(done) << (done ? "" : done.error().line());
        return done.value_or(0);
    }
    // Against the balancer 127.0.0.2, as all of these tests use it.
    static Fence against(const Address& port_of) {
        auto fence = make_host_fence("127.0.0.2:1");
        fence.backend = fence.backend.with_port(port_of.port());
        return fence;
    }

    std::optional<HostFences> host_;
};

TEST_F(HostFencesTest, OpeningAndListingMakeNoTable) {
    EXPECT_TRUE(host_->list().value().empty());
    EXPECT_TRUE(nft_objects("table").empty());
}

TEST_F(HostFencesTest, RefusesThatAddressAtThatPortAndNoOther) {
    const Listener web("127.0.0.1");
    const Listener other("127.0.0.1");
    EXPECT_EQ(change({against(web.address())}), 1U);
    EXPECT_EQ(attempt_from("127.0.0.2", web.address()).os_error, ECONNREFUSED);
    EXPECT_EQ(attempt_from("127.0.0.3", web.address()).os_error, 0);
    EXPECT_EQ(attempt_from("127.0.0.2", other.address()).os_error, 0);
    EXPECT_EQ(host_->list().value().at(0).packets, 1U);
}

TEST_F(HostFencesTest, RefusesOverIpv6Too) {
    run("ip address add fd00::5/128 dev lo nodad && ip address add fd00::6/128 dev lo nodad");
    const Listener web("::1");
    auto fence = make_host_fence("[fd00::5]:1");
    fence.backend = fence.backend.with_port(web.address().port());
    EXPECT_EQ(attempt_from("fd00::5", web.address()).os_error, 0);
    change({fence});
    EXPECT_EQ(attempt_from("fd00::5", web.address()).os_error, ECONNREFUSED);
    EXPECT_EQ(attempt_from("fd00::6", web.address()).os_error, 0);
}

TEST_F(HostFencesTest, EachModeAnswersInItsOwnWay) {
    const Listener web("127.0.0.1");
    auto fence = against(web.address());
    fence.mode = Mode::drop;
    change({fence});
    EXPECT_EQ(attempt_from("127.0.0.2", web.address(), 300ms).os_error, ETIMEDOUT);
    fence.mode = Mode::icmp;
    change({fence});
    EXPECT_EQ(attempt_from("127.0.0.2", web.address()).os_error, EHOSTUNREACH);
}

// No earlier table has started connection tracking, and this one must not take older connections for new ones.
TEST_F(HostFencesTest, LeavesEstablishedConnectionsAlone) {
    const Listener web("127.0.0.1");
    const auto before = attempt_from("127.0.0.2", web.address());
    ASSERT_EQ(before.os_error, 0);
    const auto accepted = web.accept();
    change({against(web.address())});
    ASSERT_EQ(send(before.descriptor.get(), "x", 1, MSG_NOSIGNAL), 1);
    pollfd waited{accepted.get(), POLLIN, 0};
    ASSERT_EQ(poll(&waited, 1, 10'000), 1);
    char byte = 0;
    EXPECT_EQ(recv(accepted.get(), &byte, 1, 0), 1);
    EXPECT_EQ(attempt_from("127.0.0.2", web.address()).os_error, ECONNREFUSED);
}

TEST_F(HostFencesTest, OutlivesItsMaker) {
    const Listener web("127.0.0.1");
    change({against(web.address())});
    host_.reset();
    EXPECT_EQ(attempt_from("127.0.0.2", web.address()).os_error, ECONNREFUSED);
    const auto found = HostFences::open()->list().value();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].why, "deploy");
    EXPECT_EQ(found[0].who, "ann");
}

TEST_F(HostFencesTest, AFenceForATimeEndsByItself) {
    const Listener web("127.0.0.1");
    auto fence = against(web.address());
    fence.until = core::base::wall_now() + 300ms;
    change({fence});
    EXPECT_EQ(attempt_from("127.0.0.2", web.address()).os_error, ECONNREFUSED);
    host_.reset();
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (attempt_from("127.0.0.2", web.address()).os_error != 0) {
        ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "the kernel did not lift it";
    }
    EXPECT_TRUE(HostFences::open()->list().value().empty());
}

TEST_F(HostFencesTest, AddingTwiceIsAddingOnce) {
    const Listener web("127.0.0.1");
    auto fence = against(web.address());
    EXPECT_EQ(change({fence}), 1U);
    attempt_from("127.0.0.2", web.address());
    const auto before = run("nft -a list ruleset");
    const auto first = fence.since;
    fence.since += 1h;
    EXPECT_EQ(change({fence}), 0U);
    EXPECT_EQ(run("nft -a list ruleset"), before);
    fence.why = "something else";
    EXPECT_EQ(change({fence}), 1U);
    const auto found = host_->list().value();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].since, first) << "it has been fenced all the time";
    EXPECT_EQ(found[0].why, "something else");
    EXPECT_EQ(found[0].packets, 1U);
}

TEST_F(HostFencesTest, TheLastOneTakesTheTableWithIt) {
    run("nft 'add table inet other; add chain inet other input { type filter hook input priority 0; };"
        " add rule inet other input counter' && nft add table inet gatehouse");
    const auto before = run("nft -a list ruleset");
    EXPECT_EQ(change({Unfence{*Address::parse("10.0.0.5:80")}}), 0U);
    EXPECT_EQ(run("nft -a list ruleset"), before);
    change({make_host_fence("10.0.0.5:80"), make_host_fence("10.0.0.5:443")});
    EXPECT_EQ(change({Unfence{*Address::parse("10.0.0.5:80")}}), 1U);
    EXPECT_EQ(nft_elements("new4").size(), 1U);
    EXPECT_EQ(change({Unfence{*Address::parse("10.0.0.5:443")}, Unfence{*Address::parse("10.0.0.5:9")}}), 1U);
    EXPECT_EQ(run("nft -a list ruleset"), before);
}

TEST_F(HostFencesTest, NftReadsTheTableAsWeMeanItAndTakesItBack) {
    change({make_host_fence("10.0.0.5:80"), make_host_fence("[fd00::5]:443", Mode::drop)});
    const auto before = run("nft list ruleset");
    EXPECT_EQ(before, listed);
    const auto file = fmt::format("/tmp/gatehouse_host_{}.nft", getpid());
    run(fmt::format("nft list ruleset > {0} && nft flush ruleset && nft -f {0}", file));
    EXPECT_EQ(run("nft list ruleset"), before);
    unlink(file.c_str());
    EXPECT_EQ(change({make_host_fence("10.0.0.5:80")}), 0U) << "what nft made of it should be right";
}

TEST_F(HostFencesTest, NftsJsonAgreesWithTheList) {
    auto fence = make_host_fence("10.0.0.5:80", Mode::icmp);
    fence.until = core::base::wall_now() + 1h;
    change({fence});
    const auto element = nft_elements("new4").at(0);
    const auto key = element[0]["elem"]["val"]["concat"];
    const auto found = host_->list().value().at(0);
    EXPECT_EQ(key[0], found.backend.host());
    EXPECT_EQ(key[2], found.backend.port());
    const auto timeout = element[0]["elem"]["timeout"].get<int>();  // in whole seconds, and some have gone by
    EXPECT_TRUE(timeout > 3500 && timeout <= 3600) << timeout;
    EXPECT_EQ(element[0]["elem"]["comment"], write_note(found));
    EXPECT_EQ(element[1], json::parse(R"({"goto": {"target": "deny-icmp"}})"));
}

TEST_F(HostFencesTest, AChangedTableIsPutRightWithItsFences) {
    const Listener web("127.0.0.1");
    change({against(web.address())});
    run("nft flush chain inet gatehouse_host_fence input");
    EXPECT_EQ(attempt_from("127.0.0.2", web.address()).os_error, 0);
    change({make_host_fence("10.0.0.5:80")});
    EXPECT_EQ(attempt_from("127.0.0.2", web.address()).os_error, ECONNREFUSED);
    EXPECT_EQ(host_->list().value().size(), 2U);
}

TEST_F(HostFencesTest, AForeignElementIsReplacedWhetherTheTableIsWholeOrNot) {
    const Listener web("127.0.0.1");
    const std::string accept = fmt::format(
        "nft add element inet gatehouse_host_fence new4 '{{ 127.0.0.2 . tcp . {} : accept }}'", web.address().port());
    change({make_host_fence("10.0.0.5:80")});
    run(accept);
    EXPECT_EQ(change({against(web.address())}), 1U);
    EXPECT_EQ(attempt_from("127.0.0.2", web.address()).os_error, ECONNREFUSED);
    change({Unfence{against(web.address()).backend}});
    run(accept + " && nft flush chain inet gatehouse_host_fence input");
    EXPECT_EQ(change({against(web.address())}), 1U);
    EXPECT_EQ(attempt_from("127.0.0.2", web.address()).os_error, ECONNREFUSED);
}

TEST_F(HostFencesTest, TakesOnlyWhatItsRulesLookAt) {
    auto fence = make_host_fence("10.0.0.5:80");
    fence.protocol = IPPROTO_UDP;
    EXPECT_FALSE(host_->apply(std::vector<Change>{fence}));
    fence = make_host_fence("10.0.0.5:80");
    fence.scope = Scope::all;
    EXPECT_FALSE(host_->apply(std::vector<Change>{fence}));
    EXPECT_TRUE(nft_objects("table").empty());
}

TEST_F(HostFencesTest, NamesTheMissingPrivilege) {
    host_.reset();
    // In a child, because a dropped capability does not come back.
    EXPECT_EXIT(
        {
            if (setresuid(65534, 65534, 65534) != 0) {
                _exit(2);
            }
            const auto opened = HostFences::open();
            _exit(!opened && opened.error().line().find("CAP_NET_ADMIN") != std::string::npos ? 0 : 1);
        },
        testing::ExitedWithCode(0), "");
}

TEST(HostPlan, MakesTheTableWithItsFirstFenceInOneTransaction) {
    const auto plan = plan_host_fences({}, std::vector<Change>{make_host_fence("10.0.0.5:80")}, {});
    EXPECT_EQ(plan.changed, 1U);
    EXPECT_EQ(plan.transaction.table(), "gatehouse_host_fence");
    EXPECT_TRUE(std::holds_alternative<AddTable>(plan.transaction.operations().front()));
    EXPECT_TRUE(std::holds_alternative<AddElements>(plan.transaction.operations().back()));
}

TEST(HostPlan, WantsNothingOfTheKernelWhereNothingIsFenced) {
    const std::vector<Change> changes{Unfence{*Address::parse("10.0.0.5:80")}};
    EXPECT_TRUE(plan_host_fences({}, changes, {}).transaction.empty());
    Snapshot empty;
    empty.table = host_fence_table().table;
    const auto plan = plan_host_fences(empty, changes, {});
    EXPECT_EQ(plan.changed, 0U);
    ASSERT_EQ(plan.transaction.operations().size(), 1U);
    EXPECT_TRUE(std::holds_alternative<RemoveTable>(plan.transaction.operations().front()));
}

TEST(HostPlan, AFenceThatIsOverBeforeItBeginsIsNone) {
    auto fence = make_host_fence("10.0.0.5:80");
    fence.until = fence.since;
    EXPECT_TRUE(plan_host_fences({}, std::vector<Change>{fence}, fence.since + 1s).transaction.empty());
}

}  // namespace
}  // namespace netfilter::test

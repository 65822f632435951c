// Transactions as values: their text, their bytes, and which operation a kernel's complaint belongs to. No kernel.
#include "netfilter/nft/transaction.hpp"

#include <gtest/gtest.h>
#include <linux/netlink.h>

#include <cstring>

#include "netfilter/fence/fence_table.hpp"
#include "netfilter/nft/encode.hpp"

namespace netfilter {
namespace {

Fence make_fence(const char* backend, Mode mode = Mode::reset) {
    Fence fence;
    fence.backend = *core::Address::parse(backend);
    fence.mode = mode;
    fence.id = "1";
    fence.since = core::base::parse_time("2026-11-22T14:03:05Z").value();
    return fence;
}

std::uint16_t flags_of_message(const Batch& batch, std::size_t position) {
    nlmsghdr header{};
    std::memcpy(&header, batch.bytes.data() + position, sizeof header);
    return header.nlmsg_flags;
}

TEST(Transaction, PrintsAsNftWouldTakeIt) {
    Transaction transaction("gatehouse");
    const auto fence = make_fence("10.0.0.1:80");
    const auto& map = map_of(fence.backend, Scope::fresh);
    transaction.add(RemoveElements{map, {key_of(*core::Address::parse("10.0.0.2:81"), 17)}});
    auto element = to_element(fence, {7, 420}, fence.since);
    element.timeout = std::chrono::milliseconds(90'500);
    transaction.add(AddElements{map, {element}});
    EXPECT_EQ(transaction.text(),
              "delete element inet gatehouse new4 { 10.0.0.2 . udp . 81 }\n"
              "create element inet gatehouse new4 { 10.0.0.1 . tcp . 80 counter packets 7 bytes 420 timeout 1m30s500ms "
              "comment \"id=1 since=20261122T140305Z\" : continue }\n");
}

TEST(Transaction, PrintsTheWholeTableRuleByRule) {
    const auto text = rebuild(Snapshot{}).text();
    const std::vector<std::string> lines{
        "add table inet gatehouse { comment \"gatehouse schema=3\"; }",
        "add map inet gatehouse new6 { type ipv6_addr . inet_proto . inet_service : verdict; flags timeout; counter; }",
        "add chain inet gatehouse output { type filter hook output priority filter - 5; policy accept; }",
        "add rule inet gatehouse deny-reset meta l4proto tcp reject with tcp reset",
        "add rule inet gatehouse deny-icmp reject with icmpx admin-prohibited",
        "add rule inet gatehouse fence meta mark 0x0bfe0001 return comment \"health probes\"",
        "add rule inet gatehouse fence tcp flags syn tcp flags ! ack ip daddr . meta l4proto . tcp dport vmap @new4 "
        "goto deny-reset",
        "add rule inet gatehouse fence tcp flags rst return comment \"our own resets\"",
        "add rule inet gatehouse fence ip6 daddr . meta l4proto . th dport vmap @all6 goto deny-reset",
        "add rule inet gatehouse forward jump fence"};
    for (const auto& line : lines) {
        EXPECT_NE(text.find(line + "\n"), std::string::npos) << line << "\nnot in\n" << text;
    }
}

TEST(Transaction, SplitsLongListsAndFindsEachElementAgain) {
    Transaction transaction("gatehouse");
    std::vector<Element> elements;
    for (std::uint16_t port = 1; port <= 1000; ++port) {
        auto fence = make_fence("[fd00::1]:1");
        fence.backend = fence.backend.with_port(port);
        fence.why = std::string(500, 'x');
        elements.push_back(to_element(fence, {1, 1}, fence.since));
    }
    transaction.add(AddElements{map_of(make_fence("[fd00::1]:1").backend, Scope::all), elements});
    const auto batch = encode(transaction, {.end_ack = true});
    ASSERT_GT(batch.origins.size(), 1U);
    EXPECT_LE(batch.origins.size() + 2, count_sequences(transaction));
    // The offset of the last byte of a message lies in its last element.
    for (std::size_t i = 0; i < batch.origins.size(); ++i) {
        nlmsghdr header{};
        std::memcpy(&header, batch.bytes.data() + batch.origins[i].position, sizeof header);
        const auto next = i + 1 < batch.origins.size() ? batch.origins[i + 1].first_element : elements.size();
        EXPECT_EQ(find_element(batch, batch.origins[i], header.nlmsg_len - 1), next - 1);
        EXPECT_EQ(find_element(batch, batch.origins[i], sizeof header), std::nullopt);
        EXPECT_LT(header.nlmsg_len, 65'536U);
    }
    EXPECT_NE(transaction.text(0, 41).find(". 42 "), std::string::npos);
}

TEST(Transaction, AsksForOneAcknowledgementOnly) {
    for (const bool end_ack : {true, false}) {
        const auto batch = encode(rebuild(Snapshot{}), {.end_ack = end_ack});
        int asked = 0;
        std::size_t position = 0;
        std::uint32_t sequence = 0;
        while (position < batch.bytes.size()) {
            nlmsghdr header{};
            std::memcpy(&header, batch.bytes.data() + position, sizeof header);
            if ((flags_of_message(batch, position) & NLM_F_ACK) != 0) {
                ++asked;
                sequence = header.nlmsg_seq;
            }
            position += header.nlmsg_len;
        }
        EXPECT_EQ(asked, 1);
        EXPECT_EQ(sequence, batch.last_sequence);
    }
}

TEST(Element, GivesBackTheFenceItWasMadeOf) {
    for (const char* backend : {"10.1.2.3:80", "[fd00::1:2]:65535"}) {
        for (const auto mode : {Mode::reset, Mode::icmp, Mode::drop}) {
            for (const auto scope : {Scope::fresh, Scope::all}) {
                auto fence = make_fence(backend, mode);
                fence.scope = scope;
                fence.packets = 3;
                fence.bytes = 180;
                const auto element = to_element(fence, {3, 180}, fence.since);
                EXPECT_EQ(to_fence(element, map_of(fence.backend, scope), fence.since), fence);
            }
        }
    }
}

TEST(Element, OfAnotherProgramIsNoFence) {
    const auto fence = make_fence("10.0.0.1:80");
    auto element = to_element(fence, {}, fence.since);
    element.verdict = {Verdict::Code::accept, {}};
    EXPECT_EQ(to_fence(element, map_of(fence.backend, Scope::fresh), fence.since), std::nullopt);
    element.verdict = {Verdict::Code::go_to, "elsewhere"};
    EXPECT_EQ(to_fence(element, map_of(fence.backend, Scope::fresh), fence.since), std::nullopt);
}

TEST(Element, BelievesTheKernelAboutTheEndRatherThanTheNote) {
    auto fence = make_fence("10.0.0.1:80");
    const auto now = fence.since;
    fence.until = now + std::chrono::hours(1);
    auto element = to_element(fence, {}, now);
    const auto& map = map_of(fence.backend, Scope::fresh);
    element.expires = std::chrono::milliseconds(3'599'900);
    EXPECT_EQ(to_fence(element, map, now)->until, fence.until);
    element.expires = std::chrono::minutes(5);
    EXPECT_EQ(to_fence(element, map, now)->until, now + std::chrono::minutes(5));
    element.expires.reset();
    EXPECT_EQ(to_fence(element, map, now)->until, std::nullopt);
}

TEST(Phrase, KeepsWhatItCannotUnderstandVisible) {
    EXPECT_EQ(print({Payload{Payload::Base::transport, 13, 1, 1}, Compare{true, {4}, 1}, Foreign{"log"}}),
              "@th,104,8 0x04 <log>");
    EXPECT_EQ(print({Meta{Meta::Key::transport_protocol, 1}, Compare{true, {17}, 1}}), "meta l4proto udp");
}

}  // namespace
}  // namespace netfilter

// The fuzz targets' properties (tests/fuzz), on randomly broken netlink messages and packets, the same in every run.
// Also what the fuzzers found, one test each.
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "tests/fuzz/fail_stop.hpp"
#include "tests/fuzz/link_checks.hpp"
#include "tests/fuzz/netlink_checks.hpp"

namespace netfilter::test {
namespace {

using fuzz::Bytes;
using fuzz::operator+;

// Changes a few bytes, mostly to values typical of lengths and ends, and sometimes cuts the end off.
Bytes broken(Bytes bytes, std::mt19937& chance) {
    constexpr std::array<unsigned char, 8> telling{0x00, 0x01, 0x04, 0x08, 0x40, 0x7f, 0x80, 0xff};
    const auto below = [&chance](std::size_t end) { return chance() % end; };
    for (auto wounds = below(6) + 1; wounds > 0; --wounds) {
        bytes[below(bytes.size())] = std::byte(below(4) == 0 ? below(256) : telling.at(below(telling.size())));
    }
    if (below(8) == 0) {
        bytes.resize(below(bytes.size()));
    }
    return bytes;
}

void hold(std::string_view (*check)(std::span<const std::byte>), const Bytes& seed, int rounds) {
    std::mt19937 chance(1);  // NOLINT(cert-msc51-cpp): the same bytes in every run
    ASSERT_EQ(check(seed), "");
    for (int round = 0; round < rounds; ++round) {
        ASSERT_EQ(fuzz::until_stopped(check, broken(seed, chance)), "") << "round " << round;
    }
}

TEST(HostileBytes, AreNoHarmAsAnswersOfNfTables) {
    hold(fuzz::check_nftables, fuzz::seed_elements(), 3000);
    hold(fuzz::check_nftables, fuzz::seed_tables(), 300);
}

TEST(HostileBytes, AreNoHarmAsAnnouncements) {
    hold(fuzz::check_monitor, fuzz::seed_announcement(), 1000);
}

TEST(HostileBytes, AreNoHarmAsSocketsAndFlows) {
    hold(fuzz::check_flows, fuzz::seed_flows(), 5000);
}

TEST(HostileBytes, AreNoHarmOnTheLink) {
    std::mt19937 chance(1);  // NOLINT(cert-msc51-cpp)
    for (int round = 0; round < 1000; ++round) {
        Bytes bytes(200);
        std::generate(bytes.begin(), bytes.end(), [&chance] { return std::byte(chance() % 256); });
        ASSERT_EQ(fuzz::check_requests(bytes), "") << "round " << round;
        ASSERT_EQ(fuzz::check_replies(bytes), "") << "round " << round;
    }
}

Bytes nftables_message(int kind, const Bytes& attributes) {
    const nfgenmsg general{NFPROTO_INET, NFNETLINK_V0, 0};
    return fuzz::message(NFNL_SUBSYS_NFTABLES << 8 | kind, 0, &general, sizeof general, attributes);
}

Message first_of(const Replies& replies) {
    return replies.messages().at(0);
}

Bytes text(std::uint16_t type, std::string_view words) {
    return fuzz::attribute(type, words.data(), words.size());
}

TEST(Decoders, GiveAMapWithoutANameAnEmptyOne) {
    const Replies replies{nftables_message(NFT_MSG_NEWSET, text(NFTA_SET_TABLE, {"gatehouse", 10}))};
    const auto map = decode_map(first_of(replies), "gatehouse");
    ASSERT_TRUE(map);
    EXPECT_EQ(map->name, "");
}

TEST(Decoders, KeepARuleVisibleWithANamelessExpression) {
    const auto nameless = fuzz::attribute(NFTA_LIST_ELEM, text(NFTA_EXPR_DATA, "1234"));
    const auto rule = text(NFTA_RULE_TABLE, {"gatehouse", 10}) + text(NFTA_RULE_CHAIN, {"output", 7}) +
                      fuzz::attribute(NFTA_RULE_EXPRESSIONS, nameless);
    const Replies replies{nftables_message(NFT_MSG_NEWRULE, rule)};
    const auto found = decode_rule(first_of(replies), "gatehouse");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->text(), "<unknown>");
}

TEST(Decoders, TakeNoElementThatGoesNowhere) {
    const std::uint32_t code = htonl(static_cast<std::uint32_t>(NFT_GOTO));
    const auto verdict = fuzz::attribute(NFTA_DATA_VERDICT, fuzz::attribute(NFTA_VERDICT_CODE, &code, sizeof code));
    const auto element = fuzz::attribute(NFTA_LIST_ELEM, fuzz::attribute(NFTA_SET_ELEM_DATA, verdict));
    const Replies replies{nftables_message(NFT_MSG_NEWSETELEM, fuzz::attribute(NFTA_SET_ELEM_LIST_ELEMENTS, element))};
    std::vector<Element> elements;
    EXPECT_FALSE(decode_elements(first_of(replies), elements));
    EXPECT_TRUE(elements.empty());
}

// Every possible attribute type beside the needed ones of an element and of a "dynset". The library writes past its
// arrays for types that are newer than it.
TEST(Decoders, TakeAttributesThatAreNewerThanTheLibrary) {
    for (std::uint16_t type = NFTA_SET_ELEM_EXPRESSIONS + 1; type < 64; ++type) {
        const std::uint32_t port = 80;
        const auto key = fuzz::attribute(NFTA_SET_ELEM_KEY, fuzz::attribute(NFTA_DATA_VALUE, &port, sizeof port));
        const auto element = fuzz::attribute(NFTA_LIST_ELEM, text(type, "newer") + key + text(type, "newer"));
        const auto list = fuzz::attribute(NFTA_SET_ELEM_LIST_ELEMENTS, element);
        const Replies replies{nftables_message(NFT_MSG_NEWSETELEM, list)};
        std::vector<Element> elements;
        EXPECT_TRUE(decode_elements(first_of(replies), elements)) << type;
        ASSERT_EQ(elements.size(), 1U) << type;
        EXPECT_EQ(elements.front().key.size, sizeof port) << type;
    }
    for (std::uint16_t type = NFTA_DYNSET_EXPRESSIONS + 1; type < 64; ++type) {
        const auto data = text(type, "newer") + text(NFTA_DYNSET_SET_NAME, {"met", 4}) + text(type, "newer");
        const auto expression = text(NFTA_EXPR_NAME, {"dynset", 7}) + fuzz::attribute(NFTA_EXPR_DATA, data);
        const auto rule = text(NFTA_RULE_TABLE, {"gatehouse", 10}) + text(NFTA_RULE_CHAIN, {"output", 7}) +
                          fuzz::attribute(NFTA_RULE_EXPRESSIONS, fuzz::attribute(NFTA_LIST_ELEM, expression));
        const Replies replies{nftables_message(NFT_MSG_NEWRULE, rule)};
        EXPECT_TRUE(decode_rule(first_of(replies), "gatehouse")) << type;
    }
}

TEST(Decoders, ReadATextWithoutAnEndNoFurtherThanItsMessage) {
    const Replies replies{nftables_message(NFT_MSG_NEWTABLE, text(NFTA_TABLE_NAME, "gatehouse..."))};
    EXPECT_FALSE(decode_table(first_of(replies), "gatehouse"));
    EXPECT_TRUE(decode_table(first_of(replies), "gatehouse..."));
}

TEST(Decoders, LetNoNamePlayWithATerminal) {
    const auto chain = text(NFTA_CHAIN_TABLE, {"gatehouse", 10}) + text(NFTA_CHAIN_NAME, {"\x1b[31mred", 9});
    const Replies replies{nftables_message(NFT_MSG_NEWCHAIN, chain)};
    EXPECT_EQ(decode_chain(first_of(replies), "gatehouse")->name, "?[31mred");
}

TEST(Decoders, PrintNoPartOfAKeyThatIsNotThere) {
    Key key;
    key.size = Key::size_max;
    const std::vector<KeyType> types{KeyType::ipv6_addr, KeyType::ipv6_addr, KeyType::ipv6_addr, KeyType::ipv4_addr,
                                     KeyType::ipv6_addr};
    EXPECT_EQ(print_key(key, types), ":: . :: . :: . 0.0.0.0");
}

TEST(FlowDecoders, TakeNoEntryWithANameTooLongForAnOrder) {
    const auto tuple = fuzz::attribute(CTA_TUPLE_ORIG, fuzz::seed_tuple() + text(99, std::string(400, 'x')));
    const nfgenmsg general{AF_INET, NFNETLINK_V0, 0};
    const auto entry = tuple + fuzz::attribute(CTA_TUPLE_REPLY, fuzz::seed_tuple());
    const Replies replies{
        fuzz::message(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW, 0, &general, sizeof general, entry)};
    EXPECT_FALSE(decode_entry(first_of(replies)));
}

TEST(ReadAck, TakesTheSmallestNumberForAnError) {
    const nlmsgerr body{std::numeric_limits<int>::min(), {}};
    const Replies replies{fuzz::message(NLMSG_ERROR, 0, &body, sizeof body, {})};
    ASSERT_TRUE(read_ack(first_of(replies)));
    EXPECT_NE(read_ack(first_of(replies))->os_error, 0);
}

}  // namespace
}  // namespace netfilter::test

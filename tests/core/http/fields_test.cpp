#include "core/http/fields.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace core::http {
namespace {

std::vector<std::string> members(std::string_view text) {
    std::vector<std::string> out;
    List list(text);
    for (std::string_view member; list.next(member);) {
        out.emplace_back(member);
    }
    return out;
}

Fields make(std::initializer_list<std::pair<std::string_view, std::string_view>> lines) {
    Fields fields;
    for (const auto& [name, value] : lines) {
        fields.add({name, value, classify(name)});
    }
    return fields;
}

TEST(Fields, AreFoundInAnyCaseAndTheFirstWins) {
    const Fields fields = make({{"Accept", "1"}, {"aCCept", "2"}});
    ASSERT_NE(fields.find("ACCEPT"), nullptr);
    EXPECT_EQ(fields.find("ACCEPT")->value, "1");
    EXPECT_EQ(fields.find("Accep"), nullptr);
}

TEST(Fields, HoldOneHundredAndNoMore) {
    Fields fields;
    for (std::size_t i = 0; i < Fields::capacity; ++i) {
        EXPECT_TRUE(fields.add({"a", "b"}));
    }
    EXPECT_FALSE(fields.add({"a", "b"}));
    EXPECT_EQ(fields.size(), Fields::capacity);
}

TEST(Fields, NamesDifferingInOtherBitsThanCaseAreDifferent) {
    EXPECT_TRUE(equals_ignoring_case("Ab-9", "aB-9"));
    EXPECT_FALSE(equals_ignoring_case("a-", "a\r"));
    EXPECT_FALSE(equals_ignoring_case("[", "{"));
    EXPECT_FALSE(equals_ignoring_case("a", "ab"));
}

TEST(Fields, EveryKnownNameIsClassifiedInAnyCase) {
    const std::vector<std::pair<std::string, Known>> names = {
        {"host", Known::host},
        {"date", Known::date},
        {"te", Known::hop_by_hop},
        {"via", Known::forwarding},
        {"proxy", Known::unsafe},
        {"expect", Known::expect},
        {"upgrade", Known::upgrade},
        {"trailer", Known::hop_by_hop},
        {"forwarded", Known::forwarding},
        {"x-real-ip", Known::forwarding},
        {"x-client-ip", Known::forwarding},
        {"true-client-ip", Known::forwarding},
        {"x-original-url", Known::forwarding},
        {"x-rewrite-url", Known::forwarding},
        {"x-host", Known::forwarding},
        {"x-forwarded", Known::forwarding},
        {"cf-connecting-ip", Known::forwarding},
        {"x-cluster-client-ip", Known::forwarding},
        {"x-request-id", Known::request_id},
        {"connection", Known::connection},
        {"keep-alive", Known::hop_by_hop},
        {"content-length", Known::content_length},
        {"x-forwarded-for", Known::forwarded_for},
        {"x-forwarded-host", Known::forwarding},
        {"x-forwarded-anything", Known::forwarding},
        {"proxy-connection", Known::hop_by_hop},
        {"transfer-encoding", Known::transfer_encoding},
        {"x-forwarded-proto", Known::forwarded_proto},
    };
    for (const auto& [name, known] : names) {
        std::string upper = name;
        for (char& c : upper) {
            c = static_cast<char>(std::toupper(c));
        }
        EXPECT_EQ(classify(name), known) << name;
        EXPECT_EQ(classify(upper), known) << upper;
        for (std::size_t i = 0; i < name.size(); ++i) {
            std::string other = name;
            other[i] = '~';
            if (!other.starts_with("x-forwarded-")) {
                EXPECT_EQ(classify(other), Known::other) << other;
            }
        }
    }
    EXPECT_EQ(classify("accept"), Known::other);
}

TEST(Fields, UnderscoredTwinsOfKnownNamesAreUnsafe) {
    for (const char* twin :
         {"Transfer---Encoding", "Transfer_Encoding", "Transfer-_Encoding", "Transfer.Encoding", "_Host", "Host-",
          "X_Real__IP", "True~Client|IP", "HTTP2_Settings", "X--Forwarded-Proto", "X_Request_Id"}) {
        EXPECT_EQ(classify_folded(twin), Known::unsafe) << twin;
    }
    EXPECT_EQ(classify_folded("T" + std::string(200, '-') + "E"), Known::other);
    EXPECT_EQ(classify_folded("Trailer" + std::string(200, '-')), Known::unsafe);
    EXPECT_EQ(classify_folded("---"), Known::other);
    EXPECT_EQ(classify_folded("Content_Length"), Known::unsafe);
    EXPECT_EQ(classify_folded("X_Forwarded_For"), Known::unsafe);
    EXPECT_EQ(classify_folded("My_Field"), Known::other);
    EXPECT_EQ(classify_folded(std::string(200, '_')), Known::other);
}

TEST(List, SkipsEmptyMembersAndWhiteSpace) {
    EXPECT_EQ(members("a, b\t,,c , "), (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_TRUE(members(" , ,").empty());
    EXPECT_TRUE(members("").empty());
}

TEST(List, HasWholeTokensOnly) {
    EXPECT_TRUE(list_has("Keep-Alive, Upgrade", "upgrade"));
    EXPECT_FALSE(list_has("upgraded, xupgrade", "upgrade"));
}

TEST(Connection, MarksWhatItNamesAndNothingProtected) {
    Fields fields = make({{"Connection", "X-Hop, Cookie, Host, close"}, {"x-hop", ""}, {"Cookie", ""}, {"Host", ""}});
    ConnectionOptions options;
    ASSERT_TRUE(apply_connection(fields, options));
    EXPECT_TRUE(options.close);
    EXPECT_FALSE(options.keep_alive);
    EXPECT_EQ(fields.find("x-hop")->known, Known::hop_by_hop);
    EXPECT_EQ(fields.find("cookie")->known, Known::cookie);
    EXPECT_EQ(fields.find("host")->known, Known::host);
}

TEST(Connection, ThatIsNoListOfTokensIsRefused) {
    Fields fields = make({{"Connection", "a b"}});
    ConnectionOptions options;
    EXPECT_FALSE(apply_connection(fields, options));
}

}  // namespace
}  // namespace core::http

#include "core/http/forwarded.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/http/parser.hpp"

namespace core::http {
namespace {

const std::vector<Network> trusted{*Network::parse("10.0.0.0/8"), *Network::parse("fd00::/8")};

struct Said {
    std::string client;  // "nobody": no client is named
    std::string proto;
};

Said said_by(const std::string& fields) {
    const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
    static RequestHead parsed;
    const ParseResult result = parse_request(head, {}, parsed);
    EXPECT_TRUE(result.complete()) << head << result.reason;
    const auto client = forwarded_client(parsed.fields, trusted);
    return {client ? client->text() : "nobody", std::string(forwarded_proto(parsed.fields, trusted))};
}

struct Case {
    std::string fields;
    std::string wanted;
};

TEST(Forwarded, TheClientIsTheRightmostThatIsNotTrusted) {
    for (const Case& one : {
             Case{"", "nobody"},
             Case{"X-Forwarded-For: 203.0.113.9\r\n", "203.0.113.9:0"},
             Case{"X-Forwarded-For: 203.0.113.9:4711\r\n", "203.0.113.9:4711"},
             Case{"X-Forwarded-For: 198.51.100.1, 203.0.113.9\r\n", "203.0.113.9:0"},
             Case{"X-Forwarded-For: 203.0.113.9, 10.0.0.1,\t10.0.0.2\r\n", "203.0.113.9:0"},
             Case{"X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 10.0.0.1\r\n", "203.0.113.9:0"},
             Case{"X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 203.0.113.9\r\n", "203.0.113.9:0"},
             Case{"X-Forwarded-For: 10.0.0.1, 10.0.0.2\r\n", "10.0.0.1:0"},
             Case{"X-Forwarded-For: , 203.0.113.9,,\r\n", "203.0.113.9:0"},
             Case{"X-Forwarded-For: 203.0.113.9, unknown\r\n", "nobody"},
             Case{"X-Forwarded-For: unknown, 10.0.0.1\r\n", "nobody"},
             Case{"X-Forwarded-For: unknown, 203.0.113.9\r\n", "203.0.113.9:0"},
             Case{"X-Forwarded-For: ::ffff:203.0.113.9\r\n", "203.0.113.9:0"},
             Case{"X-Forwarded-For: 2001:db8::1, fd00::7\r\n", "[2001:db8::1]:0"},
             Case{"X-Forwarded-For: [2001:db8::1]\r\n", "[2001:db8::1]:0"},
             Case{"X-Forwarded-For: \"[2001:db8::1]:80\"\r\n", "[2001:db8::1]:80"},
             Case{"X-Forwarded-For: [2001:db8::1\r\n", "nobody"},
             Case{"X-Forwarded-For: 203.0.113.9:99999\r\n", "nobody"},
             Case{"X-Forwarded-For:\r\nForwarded: for=203.0.113.9\r\n", "203.0.113.9:0"},
             Case{"X-Forwarded-For: 203.0.113.9\r\nForwarded: for=198.51.100.1\r\n", "203.0.113.9:0"},
             Case{"Forwarded: for=203.0.113.9, for=10.0.0.1;by=10.0.0.2\r\n", "203.0.113.9:0"},
             Case{"Forwarded: by=a; For=\"[2001:db8::1]:80\";proto=http\r\n", "[2001:db8::1]:80"},
             Case{"Forwarded: for=203.0.113.9, for=_hidden\r\n", "nobody"},
             Case{"Forwarded: for=203.0.113.9, proto=https\r\n", "nobody"},
             Case{"Forwarded: for=\"203.0.113.9, for=10.0.0.1\r\n", "nobody"},
             Case{"Forwarded: for=\"a, for=198.51.100.1\", for=203.0.113.9\r\n", "203.0.113.9:0"},
         }) {
        EXPECT_EQ(said_by(one.fields).client, one.wanted) << one.fields;
    }
}

TEST(Forwarded, TheProtoIsThatOfTheFirstHop) {
    for (const Case& one : {
             Case{"", ""},
             Case{"X-Forwarded-Proto: https\r\n", "https"},
             Case{"X-Forwarded-Proto: \"https\"\r\n", "https"},
             Case{"X-Forwarded-Proto: https, http\r\n", "https"},
             Case{"X-Forwarded-Proto: HTTPS\r\n", "https"},
             Case{"X-Forwarded-Proto: , https\r\n", "https"},
             Case{"X-Forwarded-Proto: wss\r\n", "wss"},
             Case{"Forwarded: proto=Https\r\n", "https"},
             Case{"X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n", "https"},
             Case{"X-Forwarded-Proto:\r\nForwarded: proto=https\r\n", "https"},
             Case{"X-Forwarded-Proto: a b\r\n", ""},
             Case{"X-Forwarded-Proto: sixteen-letters1\r\n", "sixteen-letters1"},
             Case{"X-Forwarded-Proto: sixteen-letters12\r\n", ""},
             Case{"Forwarded: for=203.0.113.9;proto=https\r\nX-Forwarded-Proto: http\r\n", "http"},
             Case{"Forwarded: for=203.0.113.9;proto=https, for=10.0.0.1;proto=http\r\n", "https"},
             Case{"Forwarded: for=203.0.113.9, for=10.0.0.1;proto=https\r\n", "https"},
             Case{"Forwarded: for=198.51.100.1;proto=https, for=203.0.113.9;proto=http\r\n", "http"},
             Case{"Forwarded: for=198.51.100.1;proto=https, for=203.0.113.9\r\n", ""},
             Case{"Forwarded: for=\"[2001:db8::1]:80\"; Proto=\"https\"\r\n", "https"},
             Case{"Forwarded: for=\"a,proto=x\";proto=https\r\n", "https"},
             Case{"Forwarded: for=\"a\\\";proto=x\";proto=https\r\n", "https"},
             Case{"Forwarded: for=\"a;proto=x\r\n", ""},
             Case{"Forwarded: proto=\r\n", ""},
             Case{"Forwarded: proto=\"\"\r\n", ""},
             Case{"Forwarded: proto=a b\r\n", ""},
             Case{"Forwarded: xproto=https\r\n", ""},
             Case{"Forwarded: ;;proto=https;\r\n", "https"},
             Case{"Forwarded: for=a;proto=https, ,\r\n", "https"},
         }) {
        EXPECT_EQ(said_by(one.fields).proto, one.wanted) << one.fields;
    }
}

}  // namespace
}  // namespace core::http

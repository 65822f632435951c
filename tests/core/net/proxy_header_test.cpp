// Runs tests/conformance/proxy-header.cases, whole and cut at every byte, and the properties of the fuzz target.
#include "core/net/proxy_header.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/proxy_header_check.hpp"

namespace core::net {
namespace {

struct Case {
    int line = 0;
    std::string input;
    std::string outcome;
};

std::string unescape(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        std::size_t used = 1;
        if (text.front() != '\\') {
            out += text.front();
        } else if (text.starts_with("\\x")) {
            out += static_cast<char>(std::stoi(std::string(text.substr(2, 2)), nullptr, 16));
            used = 4;
        } else if (text.starts_with("\\{")) {
            const std::size_t comma = text.find(',');
            const std::size_t end = text.find('}');
            const std::string piece = unescape(text.substr(comma + 1, end - comma - 1));
            for (int i = std::stoi(std::string(text.substr(2, comma - 2))); i > 0; --i) {
                out += piece;
            }
            used = end + 1;
        } else {
            used = 2;
            switch (text[1]) {
                case 'S':
                    out += std::string_view("\r\n\r\n\0\r\nQUIT\n", 12);
                    break;
                case 'r':
                    out += '\r';
                    break;
                case 'n':
                    out += '\n';
                    break;
                case 't':
                    out += '\t';
                    break;
                case '0':
                    out += '\0';
                    break;
                default:
                    out += text[1];
            }
        }
        text.remove_prefix(used);
    }
    return out;
}

std::vector<Case> read_cases() {
    std::ifstream file(SOURCE_DIR "/tests/conformance/proxy-header.cases");
    std::vector<Case> cases;
    int number = 0;
    for (std::string line; std::getline(file, line);) {
        ++number;
        if (line.starts_with("> ")) {
            cases.push_back({number, unescape(std::string_view(line).substr(2)), {}});
        } else if (!line.empty() && line.front() != '#') {
            cases.back().outcome = line;
        }
    }
    return cases;
}

std::string outcome_of(std::string_view bytes) {
    ProxyHeader header;
    const ProxyParse parse = parse_proxy_header(bytes, header);
    switch (parse.verdict) {
        case ProxyParse::Verdict::incomplete:
            return "waiting";
        case ProxyParse::Verdict::bad:
            return fmt::format("refuse {}", parse.reason);
        case ProxyParse::Verdict::complete:
            break;
    }
    return header.addressed
               ? fmt::format("ok {} {} {}", header.source.text(), header.destination.text(), parse.consumed)
               : fmt::format("own {}", parse.consumed);
}

TEST(ProxyHeader, EveryCaseComesOutAsWritten) {
    const std::vector<Case> cases = read_cases();
    EXPECT_GE(cases.size(), 80U);
    for (const Case& one : cases) {
        EXPECT_EQ(outcome_of(one.input), one.outcome) << "line " << one.line;
    }
}

TEST(ProxyHeader, IsNeverJudgedOtherwiseAtACutAndIsReadBackAsWritten) {
    for (const Case& one : read_cases()) {
        EXPECT_EQ(fuzz::check_proxy_header(one.input), "") << "line " << one.line;
    }
}

TEST(ProxyHeader, SaysWhetherTheClientSpokeTls) {
    using namespace std::string_view_literals;
    for (const bool tls : {true, false}) {
        std::string bytes("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14\xc0\0\2\1\xc0\0\2\2\0\1\0\2\x20\0\5"sv);
        bytes += tls ? "\1\0\0\0\0"sv : "\0\0\0\0\0"sv;
        ProxyHeader header;
        const ProxyParse parse = parse_proxy_header(bytes, header);
        ASSERT_TRUE(parse.verdict == ProxyParse::Verdict::complete) << parse.reason;
        EXPECT_EQ(header.tls, tls);
        EXPECT_EQ(header.source.text(), "192.0.2.1:1");
        EXPECT_EQ(fuzz::check_proxy_header(bytes), "") << "of TLS we write nothing";
    }
}

TEST(ProxyHeader, SurvivesRandomDamage) {
    std::mt19937 random(1);
    for (const Case& one : read_cases()) {
        for (int i = 0; i < 500; ++i) {
            std::string damaged = one.input;
            for (auto changes = 1 + random() % 3; changes > 0 && !damaged.empty(); --changes) {
                damaged[random() % std::min<std::size_t>(damaged.size(), 64)] = static_cast<char>(random());
            }
            ASSERT_EQ(fuzz::check_proxy_header(damaged), "") << "line " << one.line << ", round " << i;
        }
    }
}

TEST(ProxyHeader, OfTwoFamiliesIsWrittenAsIpv6) {
    ProxyBuffer buffer;
    const ProxyHeader mixed{true, *Address::parse("192.0.2.1:1"), *Address::parse("[2001:db8::2]:2")};
    EXPECT_EQ(write_proxy_header(mixed, ProxyVersion::v1, buffer), "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 2\r\n");
    EXPECT_EQ(outcome_of(write_proxy_header(mixed, ProxyVersion::v2, buffer)), "ok 192.0.2.1:1 [2001:db8::2]:2 52");
}

TEST(ProxyHeader, TheLongestFitsItsBuffer) {
    ProxyBuffer buffer;
    const Address long_address = *Address::parse("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
    EXPECT_EQ(write_proxy_header({true, long_address, long_address}, ProxyVersion::v1, buffer).size(), 104U);
    EXPECT_EQ(write_proxy_header({}, ProxyVersion::v1, buffer), "PROXY UNKNOWN\r\n");
    EXPECT_EQ(outcome_of(write_proxy_header({}, ProxyVersion::v2, buffer)), "own 16");
}

}  // namespace
}  // namespace core::net

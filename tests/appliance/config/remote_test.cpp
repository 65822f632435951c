// [access.NAME] and the API's keys in [control], right and wrong, at the limits and past them. Files that have to fit
// each other are tried with openssl's in tests/system/remote_test.py.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/appliance/config/problems.hpp"

namespace appliance::config {
namespace {

using testing::HasSubstr;

std::string problems_with(const std::string& section) {
    return problems_of(good_site + section);
}

const std::string digest(64, 'A');

std::string access(const std::string& name, const std::string& keys) {
    return fmt::format("[access.{}]\n{}\n", name, keys);
}

TEST(AccessSection, HasARoleAndAToken) {
    const auto config =
        parse(good_site + access("ci", "role = \"operate\"\ntoken_sha256 = \"" + digest + "\""), "g.toml");
    ASSERT_TRUE(config) << problems_with(access("ci", "role = \"operate\"\ntoken_sha256 = \"" + digest + "\""));
    const Access expected{"ci", Role::operate, std::string(64, 'a'), ""};
    EXPECT_EQ(config->access, std::vector<Access>{expected});
    EXPECT_FALSE(config->control.remote.has_value());
}

TEST(AccessSection, IsRefusedWithoutWhatItNeeds) {
    EXPECT_THAT(problems_with(access("ci", "role = \"read\"")),
                HasSubstr("[access.ci] has no token_sha256 or certificate"));
    EXPECT_THAT(problems_with(access("ci", "certificate = \"ann\"")), HasSubstr("role"));
    EXPECT_THAT(problems_with(access("ci", "role = \"root\"\ncertificate = \"ann\"")), HasSubstr("'root'"));
}

TEST(AccessSection, TakesADigestOfExactlySixtyFourDigits) {
    const auto with = [](const std::string& text) {
        return problems_with(access("ci", "role = \"read\"\ntoken_sha256 = \"" + text + "\""));
    };
    EXPECT_EQ(with(std::string(64, '0')), "");
    for (const auto& wrong : {std::string(63, '0'), std::string(65, '0'), std::string(63, '0') + "g"}) {
        EXPECT_THAT(with(wrong), HasSubstr("gatehouse token ci makes a token"));
    }
}

TEST(AccessSection, MayBeThereAsOftenAsTheBoundSays) {
    const auto many = [](std::size_t count) {
        std::string text;
        for (std::size_t i = 0; i < count; ++i) {
            text += access(fmt::format("a{}", i), "role = \"read\"\ncertificate = \"ann\"");
        }
        return problems_with(text);
    };
    EXPECT_EQ(many(Bounds::access), "");
    EXPECT_THAT(many(Bounds::access + 1), HasSubstr("at most 256 are allowed"));
}

TEST(ControlSection, WantsCertificateAndKeyToListen) {
    EXPECT_THAT(problems_with("[control]\nlisten = \"0.0.0.0:8443\"\n"), HasSubstr("certificate"));
    EXPECT_THAT(problems_with("[control]\nlisten = \"0.0.0.0:0\"\n"), HasSubstr("port 0 is no port to listen on"));
    EXPECT_THAT(problems_with("[control]\nlisten = \"0.0.0.0:80\"\n"), HasSubstr("[listen.web] listens on"));
    EXPECT_THAT(
        problems_with("[control]\nlisten = \"0.0.0.0:8443\"\ncertificate = \"/nonexistent\"\nkey = \"/nonexistent\"\n"),
        HasSubstr("put it there as PEM, for group gatehouse to read"));
}

}  // namespace
}  // namespace appliance::config

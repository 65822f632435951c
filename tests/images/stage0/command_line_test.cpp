#include "images/stage0/command_line.hpp"

#include <gtest/gtest.h>

#include <string>

namespace images::stage0 {
namespace {

const std::string hash(64, 'a');
const std::string sealed = "quiet lockdown=integrity panic=10";

std::string refusal(const std::string& line) {
    std::string why;
    return check_command_line(line, sealed, why) ? "taken" : why;
}

TEST(CommandLine, AsItWasSignedGivesTheRootHash) {
    std::string why;
    const std::string line = sealed + " roothash=" + hash + "\n";
    ASSERT_TRUE(check_command_line(line, sealed, why));
    EXPECT_EQ(*check_command_line(line, sealed, why), hash);
    EXPECT_EQ(refusal("roothash=" + hash + " " + sealed), "taken") << "wherever it stands";
}

TEST(CommandLine, WordsThatWereAppendedAreRefusedByName) {
    const std::string line = sealed + " roothash=" + hash;
    EXPECT_EQ(refusal(line + " init=/bin/sh"), "'init=/bin/sh' was not signed");
    EXPECT_EQ(refusal("init=/bin/sh " + line), "'init=/bin/sh' was not signed");
    EXPECT_EQ(refusal(line + " quiet"), "'quiet' was not signed");
    EXPECT_EQ(refusal(line + " roothash=" + std::string(64, 'b')),
              "'roothash=" + std::string(64, 'b') + "' was not signed");
}

TEST(CommandLine, WordsThatAreMissingOrOthersAreRefused) {
    EXPECT_EQ(refusal("quiet lockdown=none panic=10 roothash=" + hash), "'lockdown=none' was not signed");
    EXPECT_EQ(refusal("quiet lockdown=integrity roothash=" + hash), "'panic=10' is missing");
    EXPECT_EQ(refusal("lockdown=integrity quiet panic=10 roothash=" + hash), "'lockdown=integrity' was not signed");
    EXPECT_EQ(refusal(sealed), "it has no roothash=");
    EXPECT_EQ(refusal(sealed + " roothash=" + hash.substr(1)), "'roothash=" + hash.substr(1) + "' is no root hash");
    EXPECT_EQ(refusal(""), "'quiet' is missing");
}

}  // namespace
}  // namespace images::stage0

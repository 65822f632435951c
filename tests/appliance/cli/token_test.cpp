#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "appliance/tls/digest.hpp"
#include "tests/appliance/cli/parse.hpp"

namespace appliance::cli {
namespace {

using testing::HasSubstr;

TEST(Token, IsPrintedOnceWithTheLinesThatLetItIn) {
    const Words read{"token", "ci", "--role", "read", "--json"};
    const auto first = Json::parse(run_command(read).out);
    EXPECT_EQ(first["token_sha256"], tls::sha256_hex(first["token"].get<std::string>()));
    EXPECT_EQ(first["token"].get<std::string>().size(), 3U + 64U);
    EXPECT_NE(first["token"], Json::parse(run_command(read).out)["token"]);
    EXPECT_THAT(run_command({"token", "ci", "--role", "read"}).out,
                HasSubstr("[access.ci]\nrole = \"read\"\ntoken_sha256 = \""));
}

TEST(Token, GoesIntoANewFileThatOnlyItsOwnerReads) {
    const std::string file = "/tmp/gatehouse-token-" + std::to_string(::getpid());
    const Words keep{"token", "ci", "--json", "--token-file", file.c_str()};
    const auto made = Json::parse(run_command(keep).out);
    EXPECT_FALSE(made.contains("token"));
    std::stringstream held;
    held << std::ifstream(file).rdbuf();
    EXPECT_EQ(tls::sha256_hex(held.str().substr(0, held.str().size() - 1)), made["token_sha256"]);
    struct stat facts {};
    ASSERT_EQ(::stat(file.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U);
    // One that is there may be in use.
    const Outcome again = run_command(keep);
    EXPECT_EQ(again.code, 1);
    EXPECT_THAT(again.err, HasSubstr("name a file that does not exist yet"));
    ::unlink(file.c_str());
}

}  // namespace
}  // namespace appliance::cli

#include "appliance/api/entrance.hpp"

#include <gtest/gtest.h>

#include "appliance/tls/digest.hpp"

namespace appliance::api {
namespace {

using config::Access;
using config::Role;

const std::vector<Access> list{{"ci", Role::operate, tls::sha256_hex("gh_one"), ""},
                               {"ann", Role::admin, "", "ann.example.org"},
                               {"both", Role::read, tls::sha256_hex("gh_two"), "both.example.org"}};

std::string found(std::string_view token, std::string_view certificate) {
    const Access* access = find_access(list, token, certificate);
    return access == nullptr ? "nobody" : access->name;
}

TEST(FindAccess, KnowsTokensByTheirDigest) {
    // The SHA-256 of "abc" (FIPS 180-2, appendix B.1).
    EXPECT_EQ(tls::sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(found("gh_one", ""), "ci");
    EXPECT_EQ(found("gh_two", ""), "both");
    EXPECT_EQ(found("gh_on", ""), "nobody");
    EXPECT_EQ(found(list[0].token_sha256, ""), "nobody");
}

TEST(FindAccess, KnowsCertificatesByTheirName) {
    EXPECT_EQ(found("", "ann.example.org"), "ann");
    EXPECT_EQ(found("", "both.example.org"), "both");
    EXPECT_EQ(found("", "ANN.example.org"), "nobody");
}

TEST(FindAccess, NothingIsFoundWithoutCredentials) {
    // A caller without a token does not match an entry without one.
    EXPECT_EQ(found("", ""), "nobody");
}

}  // namespace
}  // namespace appliance::api

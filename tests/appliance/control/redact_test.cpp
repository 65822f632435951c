#include "appliance/control/diagnose/redact.hpp"

#include <gtest/gtest.h>

namespace appliance::control {
namespace {

struct Case {
    const char* text;
    const char* redacted;
};

class Redact : public testing::TestWithParam<Case> {};

TEST_P(Redact, TakesSecretsAndNothingElse) {
    EXPECT_EQ(redact(std::string_view(GetParam().text)), GetParam().redacted);
}

INSTANTIATE_TEST_SUITE_P(
    OfAConfiguration, Redact,
    testing::Values(Case{"token_sha256 = \"ca5578b5\"\nrole = \"read\"\n", "token_sha256 = \"***\"\nrole = \"read\"\n"},
                    Case{"ci = { role = \"read\", token_sha256='ab' , x = 1 }",
                         "ci = { role = \"read\", token_sha256='***' , x = 1 }"},
                    Case{"access.ci.token_sha256=\"ab\"", "access.ci.token_sha256=\"***\""},
                    Case{"\"token_sha256\" = \"ab\"", "\"token_sha256\" = \"***\""},
                    Case{"# password = \"old\"  # was\n", "# password = \"***\"  # was\n"},
                    Case{"bypass_cookie = \"preview=x\"", "bypass_cookie = \"***\""},
                    Case{"bypass_header = \"X-Preview: x\"", "bypass_header = \"***\""},
                    Case{"password = \"\"\"a\nb\"c\"\"\"\nport = 80", "password = \"\"\"***\"\"\"\nport = 80"},
                    Case{"password = \"a\\\"b\" # x", "password = \"***\" # x"},
                    Case{"passwords = [\"a\", 'b']", "passwords = [***]"},
                    Case{"secret_file = \"bbb.secret\"", "secret_file = \"bbb.secret\""},
                    Case{"cookie = \"gatehouse\"\nkey = \"api.key\"", "cookie = \"gatehouse\"\nkey = \"api.key\""},
                    Case{"password = \"never ends", "password = \"***"}, Case{"password = \"\\", "password = \"***"},
                    Case{"token", "token"}, Case{"token =", "token ="}, Case{"token = \"", "token = \""},
                    Case{"", ""}));

INSTANTIATE_TEST_SUITE_P(
    OfCommandsAndMessages, Redact,
    testing::Values(Case{"run = \"ssh {host} deploy\"", "run = \"***\""},
                    Case{"recipe.app.rollback='mysql -pX'", "recipe.app.rollback='***'"},
                    Case{R"({"run":"curl -u u:p x)", R"({"run":"***)"},
                    Case{"nothing to run: it is done; rollback = no", "nothing to run: it is done; rollback = no"},
                    Case{"why = \"API_TOKEN=abc deploy\"", "why = \"API_TOKEN=*** deploy\""},
                    Case{"x --token abc --host y", "x --token *** --host y"},
                    Case{"curl -H 'Authorization: Bearer abc def' x", "curl -H 'Authorization: ***' x"},
                    Case{"sent Bearer abc.def", "sent Bearer ***"},
                    Case{"https://ann:pw@host/x?y", "https://***@host/***"},
                    Case{"see https://host:8443/ or http://h", "see https://host:8443/ or http://h"},
                    Case{"source = \"webcals://h/private-abc/basic.ics?token=x\"", "source = \"webcals://h/***\""},
                    Case{"https://host/a@b", "https://host/***"}, Case{"/h/?a=1&access_token=xyz&b=2", "/h/?***"},
                    Case{"verify_path = \"/login?sid=a%20b\" # x", "verify_path = \"/login?***\" # x"},
                    Case{R"({"verify_path":"/?k=v","port":80})", R"({"verify_path":"/?***","port":80})"},
                    Case{"is it well? a = b", "is it well? a = b"},
                    Case{"verify_headers = [\"Cookie: sid=a\", 'X: b]c'] # x", "verify_headers = [***] # x"},
                    Case{"check = { headers = [\"Cookie: sid=a\"], path = \"/\" }",
                         "check = { headers = [***], path = \"/\" }"},
                    Case{R"({"token":"x","port":80})", R"({"token":"***","port":80})"},
                    Case{"--token-file ci.token", "--token-file ci.token"},
                    Case{"its token is not among [access]", "its token is not among [access]"}));

TEST(RedactOfJson, GoesThroughAllOfIt) {
    const nlohmann::ordered_json all{
        {"password", "a"},
        {"list", {{{"token", {"a", "b"}}, {"why", "https://u:p@h/"}}}},
        {"tokens_seen", 3},
        {"name", "web1"},
        {"settings",
         {{"run", "sshpass -p x ssh web1"}, {"rollback", ""}, {"verify_headers", {"Cookie: a"}}, {"path", "/?k=v"}}},
        {"journal", {{{"kind", "output"}, {"text", "+ mysql -pX"}}}},
    };
    EXPECT_EQ(redact(all).dump(),
              R"({"password":"***","list":[{"token":["***"],"why":"https://***@h/"}],"tokens_seen":3,"name":"web1",)"
              R"("settings":{"run":"***","rollback":"","verify_headers":["***"],"path":"/?***"},)"
              R"("journal":[{"kind":"output","text":"***"}]})");
}

TEST(RedactOfText, TakesNoLongerForAMebibyte) {
    const std::string odd(std::size_t{1} << 20, '=');
    EXPECT_EQ(redact(std::string_view(odd)), odd);
    const std::string asking(std::size_t{1} << 20, '?');
    EXPECT_EQ(redact(std::string_view(asking)), asking);
}

}  // namespace
}  // namespace appliance::control

// [guard.NAME], as operators write it.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "appliance/config/file/load.hpp"
#include "appliance/config/values/url.hpp"

namespace appliance::guard {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string problem_of(const std::string& guard) {
    const auto parsed = config::parse(
        "[listen.a]\naddress = \"127.0.0.1:1\"\nmode = \"tcp\"\npool = \"p\"\n"
        "[server.s]\nhost = \"10.0.0.1\"\n[pool.p]\nport = 2\nservers = [\"s\"]\n"
        "[proxy]\nuser = \"nobody\"\n" +
            guard,
        "/tmp/gatehouse-no-such/g.toml");
    std::string all = parsed ? "fine" : "";
    for (const auto& problem : parsed ? config::Problems{} : parsed.error()) {
        all += problem.text() + "\n";
    }
    return all;
}

TEST(GuardConfiguration, SaysWhatIsWrong) {
    EXPECT_EQ(
        problem_of("[guard.w]\nkind = \"windows\"\nallow = [\"Mon 06:00-08:00\"]\ntimezone = \"Europe/Berlin\"\n"),
        "fine");
    EXPECT_THAT(problem_of("[guard.w]\n"), HasSubstr("has no kind"));
    EXPECT_THAT(problem_of("[guard.w]\nkind = \"window\"\n"), HasSubstr("window"));
    EXPECT_THAT(problem_of("[guard.w]\nkind = \"windows\"\n"), HasSubstr("has no windows"));
    EXPECT_THAT(problem_of("[guard.w]\nkind = \"windows\"\nallow = [\"Mon 6-8\"]\n"), HasSubstr("'Mon 6-8'"));
    EXPECT_THAT(problem_of("[guard.w]\nkind = \"windows\"\nallow = [\"Mon 06:00-08:00\"]\ntimezone = \"Berlin\"\n"),
                HasSubstr("no time zone 'Berlin'"));
    EXPECT_THAT(problem_of("[guard.w]\nkind = \"windows\"\nallow = [\"Mon 06:00-08:00\"]\ntimezone = \"" +
                           std::string(5000, 'x') + "\"\n"),
                HasSubstr("no time zone"));
    EXPECT_THAT(
        problem_of("[guard.w]\nkind = \"windows\"\nallow = [\"Mon 06:00-08:00\"]\ntimezone = \"../../etc/passwd\"\n"),
        HasSubstr("no time zone"));
    EXPECT_THAT(problem_of("[guard.w]\nkind = \"windows\"\nallow = [\"Mon 06:00-08:00\"]\ntimezone = \"zone.tab\"\n"),
                HasSubstr("no time zone 'zone.tab'"));
    EXPECT_THAT(problem_of("[guard.b]\nkind = \"bigbluebutton\"\nurls = [\"bbb.example.org\"]\n"),
                HasSubstr("is no URL"));
    EXPECT_THAT(problem_of("[guard.b]\nkind = \"bigbluebutton\"\nurls = [\"https://b/\"]\nsecret_file = \"s\"\n"),
                HasSubstr("/tmp/gatehouse-no-such/s"));
    EXPECT_THAT(problem_of("[guard.s]\nkind = \"schedule\"\n"), HasSubstr("source"));
    EXPECT_THAT(problem_of("[guard.s]\nkind = \"schedule\"\nsource = \"a\"\nallow = [\"Mon 06:00-08:00\"]\n"),
                HasSubstr("unknown key 'allow'"));
}

class SiteConfiguration : public testing::Test {
protected:
    SiteConfiguration() {
        std::string name = "/tmp/gatehouse-guard-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        write("password", "s3cret\n");
    }
    ~SiteConfiguration() override { std::filesystem::remove_all(folder_); }
    void write(const std::string& name, const std::string& text) const {
        std::ofstream(folder_ / name) << text;
        ::chmod((folder_ / name).c_str(), 0640);
    }
    // The guard, or what is wrong.
    [[nodiscard]] tl::expected<config::Guard, std::string> read(const std::string& guard) const {
        auto parsed = config::parse(
            "[listen.a]\naddress = \"127.0.0.1:1\"\nmode = \"tcp\"\npool = \"p\"\n[server.s]\nhost = \"10.0.0.1\"\n"
            "[pool.p]\nport = 2\nservers = [\"s\"]\n[proxy]\nuser = \"nobody\"\n[guard.g]\n" +
                guard,
            folder_ / "g.toml");
        if (parsed) {
            return parsed->guards.front();
        }
        std::string all;
        for (const auto& problem : parsed.error()) {
            all += problem.text() + "\n";
        }
        return tl::unexpected(all);
    }
    [[nodiscard]] config::Site source(const std::string& lines) const {
        const auto guard = read("kind = \"schedule\"\n" + lines);
        return guard ? guard->source : config::Site{guard.error(), {}, {}};
    }
    [[nodiscard]] std::string api(const std::string& url) const {
        const auto guard = read("kind = \"bigbluebutton\"\nsecret_file = \"password\"\nurls = [\"" + url + "\"]\n");
        return guard ? guard->urls.front().url : guard.error();
    }

    std::filesystem::path folder_;
};

TEST_F(SiteConfiguration, SchemesAreAsPeopleHaveThem) {
    EXPECT_EQ(source("source = \"webcal://c.example/a.ics\"").url, "http://c.example/a.ics");
    EXPECT_EQ(source("source = \"WebCals://c.example/a.ics\"").url, "https://c.example/a.ics");
    EXPECT_EQ(source("source = \"HTTPS://c.example:443/a b\"").url, "https://c.example/a%20b");
    EXPECT_EQ(source("source = \"http://[::1]:81\"").url, "http://[::1]:81/");
    EXPECT_EQ(source("source = \"a.ics\"").url, folder_ / "a.ics");
    for (const char* bad : {"ftp://c.example/a.ics", "file:///a.ics", "http://", "https://c.example:0/", "http://a b/",
                            "http://c.example:99999/"}) {
        EXPECT_THAT(source(std::string("source = \"") + bad + "\"").url, HasSubstr("is no URL that can be read"))
            << bad;
    }
}

TEST_F(SiteConfiguration, AUserIsTakenOutOfTheUrlAndNoMessageHoldsThePassword) {
    EXPECT_EQ(source("source = \"http://ann:s%33cret@c.example/a.ics\""),
              (config::Site{"http://c.example/a.ics", "ann", "s3cret"}));
    EXPECT_EQ(source("source = \"http://c.example/a.ics\"\nuser = \"ann\"\npassword_file = \"password\""),
              (config::Site{"http://c.example/a.ics", "ann", "s3cret"}));
    for (const char* bad : {"source = \"ftp://ann:s3cret@c.example/a.ics?token=s3cret\"",
                            "source = \"http://ann:s3cret@\"", "source = \"http://ann:s3cret@c.example:x/\"",
                            "source = \"http://ann:s3cret@c.example/\"\nuser = \"b\"\npassword_file = \"password\"",
                            "source = \"http://c.example/\"\nuser = \"b\"",
                            "source = \"http://c.example/\"\npassword_file = \"password\"",
                            "source = \"http://c.example/\"\nuser = \"b:c\"\npassword_file = \"password\"",
                            "source = \"a.ics\"\nuser = \"b\"\npassword_file = \"password\""}) {
        const auto guard = read(std::string("kind = \"schedule\"\n") + bad);
        ASSERT_FALSE(guard.has_value()) << bad;
        EXPECT_THAT(guard.error(), Not(HasSubstr("s3cret"))) << bad;
    }
}

TEST_F(SiteConfiguration, TheApiIsFoundByTheAddressThatBbbConfPrints) {
    for (const char* url : {"https://b.example/bigbluebutton/", "https://b.example/bigbluebutton",
                            "https://b.example/bigbluebutton/api/", "HTTPS://b.example/bigbluebutton/api"}) {
        EXPECT_EQ(api(url), "https://b.example/bigbluebutton/api") << url;
    }
    EXPECT_EQ(api("https://b.example/lb"), "https://b.example/lb");
    EXPECT_THAT(api("https://b.example/api?x=1"), HasSubstr("has a query"));
}

TEST(Urls, HideWhatMayBeSecret) {
    EXPECT_EQ(config::without_secrets("ftp://ann:s3@cret@c.example/a?token=x"), "ftp://c.example/a");
    EXPECT_EQ(config::without_secrets("c.example"), "c.example");
    EXPECT_EQ(config::origin_of("webcals://ann:s3@c.example:8443/private-abc/basic.ics?token=x"),
              "webcals://c.example:8443");
    EXPECT_EQ(config::origin_of("c.example/x"), "c.example");
    EXPECT_EQ(config::parse_url("http://ann:s3cret@C.example:8080/a?b#c")->text(), "http://C.example:8080/a?b");
}

}  // namespace
}  // namespace appliance::guard

#include "appliance/config/values/named_file.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "appliance/config/file/load.hpp"

namespace appliance::config {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class NamedFiles : public testing::Test {
protected:
    NamedFiles() {
        std::string name = "/tmp/gatehouse-named-XXXXXX";
        home_ = ::mkdtemp(name.data());
        folder_ = home_ / "etc";
        fs::create_directories(folder_ / "pages");
        write(folder_ / "page.html", "page");
        write(folder_ / "pages" / "one.html", "one");
        write(home_ / "secret", "secret");
        write(folder_ / "api.key", "key");
        fs::permissions(folder_ / "api.key", fs::perms(0640));
    }
    ~NamedFiles() override { fs::remove_all(home_); }

    static void write(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }
    std::string read(const fs::path& name, Reach reach = Reach::beneath) const {
        const auto file = read_named(folder_, name, reach, 1000);
        return file ? file->bytes : file.error().line();
    }
    // The problems of a configuration in the folder with that page.
    std::string page(const std::string& name, const std::string& more = {}) const {
        const auto parsed = parse(
            "[listen.web]\naddress = \"127.0.0.1:1\"\nmode = \"http\"\npool = \"app\"\n"
            "[server.a]\nhost = \"127.0.0.1\"\n[pool.app]\nport = 2\nservers = [\"a\"]\n"
            "check = { type = \"tcp\" }\n[maintenance]\npage = \"" +
                name + "\"\n" + more,
            folder_ / "gatehouse.toml");
        std::string all;
        for (const Problem& problem : parsed ? Problems() : parsed.error()) {
            all += problem.text() + "\n";
        }
        return all;
    }

    fs::path home_;
    fs::path folder_;
};

TEST_F(NamedFiles, LieBeneathTheFolder) {
    EXPECT_EQ(read("page.html"), "page");
    EXPECT_EQ(read("./pages//one.html"), "one");
    EXPECT_EQ(read("pages/../page.html"), "page");
    EXPECT_EQ(read(folder_ / "page.html"), "page");
    fs::create_symlink("pages/one.html", folder_ / "inside.html");
    fs::create_symlink("../page.html", folder_ / "pages" / "up.html");
    EXPECT_EQ(read("inside.html"), "one");
    EXPECT_EQ(read("pages/up.html"), "page");
}

TEST_F(NamedFiles, DoNotLeadOut) {
    fs::create_symlink("../secret", folder_ / "out.html");
    fs::create_symlink(home_ / "secret", folder_ / "absolute.html");
    fs::create_symlink("..", folder_ / "pages" / "up");
    fs::create_symlink(home_, folder_ / "home");
    for (const fs::path& name : {fs::path("../secret"), home_ / "secret", fs::path("/etc/passwd"), fs::path("out.html"),
                                 fs::path("absolute.html"), fs::path("pages/up/../secret"), fs::path("home/secret"),
                                 fs::path("pages/../../secret"), folder_ / ".." / "secret"}) {
        EXPECT_THAT(read(name), HasSubstr("leads out of the folder")) << name;
        EXPECT_FALSE(check_beneath(folder_, name)) << name;
    }
    EXPECT_TRUE(check_beneath(folder_, "missing.ics"));
}

TEST_F(NamedFiles, MayBeElsewhereOnlyWhereTheirNameIsAbsoluteAndThatIsAllowed) {
    EXPECT_EQ(read(home_ / "secret", Reach::absolute_anywhere), "secret");
    EXPECT_THAT(read("../secret", Reach::absolute_anywhere), HasSubstr("leads out of the folder"));
}

TEST_F(NamedFiles, AreFilesThatCanBeRead) {
    EXPECT_THAT(read("missing"), HasSubstr("No such file"));
    EXPECT_THAT(read("pages"), HasSubstr("it is not a file"));
    EXPECT_THAT(read("page.html/x"), HasSubstr("Not a directory"));
    fs::create_symlink("loop", folder_ / "loop");
    EXPECT_THAT(read("loop"), HasSubstr("Too many levels"));
    ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
    EXPECT_THAT(read("pipe"), HasSubstr("it is not a file"));
}

TEST_F(NamedFiles, APageIsBesideItsConfiguration) {
    EXPECT_EQ(page("page.html"), "");
    EXPECT_THAT(page("../secret.html"), HasSubstr("leads out of the folder"));
    EXPECT_THAT(page("/etc/passwd"), HasSubstr("is no page's name"));
    EXPECT_THAT(page("api.key"), HasSubstr("is no page's name"));
    EXPECT_THAT(page("gatehouse.toml.previous"), HasSubstr("is no page's name"));
}

TEST_F(NamedFiles, APageIsNoFileThatHoldsASecretUnderAnotherName) {
    fs::create_hard_link(folder_ / "api.key", folder_ / "hard.html");
    fs::create_symlink("api.key", folder_ / "soft.html");
    const std::string guard =
        "[guard.b]\nkind = \"bigbluebutton\"\nurls = [\"https://b.example.org/api\"]\n"
        "secret_file = \"api.key\"\n";
    EXPECT_EQ(page("page.html", guard), "");
    for (const char* name : {"hard.html", "soft.html"}) {
        EXPECT_THAT(page(name, guard), HasSubstr("holds secrets")) << name;
        EXPECT_THAT(page(name, "[control]\nkey = \"api.key\"\n"), HasSubstr("holds secrets")) << name;
    }
    write(folder_ / "gatehouse.toml", "x");
    fs::create_symlink("gatehouse.toml", folder_ / "me.html");
    EXPECT_THAT(page("me.html"), HasSubstr("holds secrets"));
}

TEST_F(NamedFiles, ASecretIsBesideTheConfigurationToo) {
    EXPECT_THAT(page("page.html",
                     "[guard.b]\nkind = \"bigbluebutton\"\nurls = [\"https://b.example.org/api\"]\n"
                     "secret_file = \"../secret\"\n"),
                HasSubstr("leads out of the folder"));
    EXPECT_THAT(page("page.html",
                     "[guard.c]\nkind = \"schedule\"\nsource = \"https://c.example.org/a\"\nuser = \"a\"\n"
                     "password_file = \"" +
                         (home_ / "secret").string() + "\"\n"),
                HasSubstr("leads out of the folder"));
    EXPECT_THAT(page("page.html", "[guard.c]\nkind = \"schedule\"\nsource = \"../secret\"\n"),
                HasSubstr("leads out of the folder"));
}

}  // namespace
}  // namespace appliance::config

#include "core/base/trusted_path.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace core::base {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// Below /tmp: its sticky bit protects the files there.
class TrustedPath : public testing::Test {
protected:
    TrustedPath() {
        std::string name = "/tmp/gatehouse-trusted-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        fs::create_directory(folder_ / "bin");
        std::ofstream(folder_ / "bin" / "program") << "x";
        fs::permissions(folder_ / "bin", fs::perms(0755));
        fs::permissions(folder_ / "bin" / "program", fs::perms(0755));
    }
    ~TrustedPath() override { fs::remove_all(folder_); }

    fs::path folder_;
    fs::path program() const { return folder_ / "bin" / "program"; }
    std::string why(const fs::path& path, uid_t user = ::geteuid()) const {
        const auto checked = check_trusted(path, user);
        return checked ? "" : checked.error().line();
    }
};

TEST_F(TrustedPath, IsOnesOwn) {
    EXPECT_EQ(why(program()), "");
    EXPECT_EQ(why("/bin/sh"), "");
}

TEST_F(TrustedPath, IsNoneWhereOthersMayWriteTheFile) {
    for (const int mode : {0775, 0757}) {
        fs::permissions(program(), fs::perms(mode));
        EXPECT_THAT(why(program()), HasSubstr("chmod go-w " + program().string()));
    }
}

TEST_F(TrustedPath, IsNoneWhereOthersMayWriteInAFolderOnTheWay) {
    fs::permissions(folder_, fs::perms(0775));
    EXPECT_THAT(why(program()), HasSubstr("chmod go-w " + folder_.string()));
    fs::permissions(folder_, fs::perms(01777));
    EXPECT_EQ(why(program()), "");
}

TEST_F(TrustedPath, IsNoneWhereALinkLeadsThroughAFolderOfOthers) {
    fs::create_directory(folder_ / "open");
    fs::permissions(folder_ / "open", fs::perms(0777));
    fs::create_symlink(program(), folder_ / "open" / "link");
    fs::create_symlink("open/link", folder_ / "link");
    EXPECT_THAT(why(folder_ / "link"), HasSubstr((folder_ / "open").string()));
    fs::permissions(folder_ / "open", fs::perms(0755));
    EXPECT_EQ(why(folder_ / "link"), "");
    EXPECT_EQ(why(folder_ / "open" / ".." / "link"), "");
}

TEST_F(TrustedPath, IsNoneOfAnotherUser) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root, to give a file away";
    }
    ASSERT_EQ(::chown(program().c_str(), 65'534, 65'534), 0);
    EXPECT_THAT(why(program()), HasSubstr("belongs to uid 65534"));
    EXPECT_EQ(why(program(), 65'534), "");
    EXPECT_THAT(why(program(), 1), HasSubstr("belongs to uid 65534"));
}

TEST_F(TrustedPath, LeadsSomewhere) {
    EXPECT_THAT(why(folder_ / "missing"), HasSubstr("cannot find"));
    EXPECT_THAT(why("bin/program"), HasSubstr("not an absolute path"));
    fs::create_symlink("loop", folder_ / "loop");
    EXPECT_THAT(why(folder_ / "loop"), HasSubstr("cannot follow"));
}

}  // namespace
}  // namespace core::base

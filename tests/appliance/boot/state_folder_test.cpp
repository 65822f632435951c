// The state folder as the supervisor makes it.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "appliance/boot/supervisor/control_socket.hpp"

namespace appliance::boot {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class StateFolder : public testing::Test {
protected:
    StateFolder() {
        std::string name = "/tmp/gatehouse-state-XXXXXX";
        above_ = ::mkdtemp(name.data());
        fs::permissions(above_, fs::perms(0755));
    }
    ~StateFolder() override { fs::remove_all(above_); }

    // "" where it was made.
    static std::string prepare(const fs::path& folder) {
        const auto prepared = prepare_state_folder(folder, {"somebody", ::geteuid(), ::getegid()});
        return prepared ? "" : prepared.error().line();
    }

    fs::path above_;
};

TEST_F(StateFolder, IsMadeWhereNoOtherUserMayWrite) {
    EXPECT_EQ(prepare(above_ / "state"), "");
    struct stat facts {};
    ASSERT_EQ(::stat((above_ / "state").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777U, 0750U);
    EXPECT_EQ(prepare(above_ / "state"), "") << "it is there already";
    EXPECT_EQ(prepare(above_ / "other/"), "");
    EXPECT_TRUE(fs::is_directory(above_ / "other"));
}

TEST_F(StateFolder, OnlyItsLastPartIsMade) {
    EXPECT_THAT(prepare(above_ / "a" / "b"), HasSubstr("No such file"));
    EXPECT_FALSE(fs::exists(above_ / "a"));
}

TEST_F(StateFolder, IsNotMadeWhereOthersMayWrite) {
    fs::permissions(above_, fs::perms(0777));
    EXPECT_THAT(prepare(above_ / "state"), HasSubstr("others may write in"));
    EXPECT_FALSE(fs::exists(above_ / "state"));
    fs::permissions(above_, fs::perms(0755));
    if (::geteuid() == 0) {
        ASSERT_EQ(::chown(above_.c_str(), 12'345, 12'345), 0);
        EXPECT_THAT(prepare(above_ / "state"), HasSubstr("others may write in"));
        EXPECT_FALSE(fs::exists(above_ / "state"));
    }
}

TEST_F(StateFolder, IsNotMadeThroughALink) {
    fs::create_symlink(above_ / "elsewhere", above_ / "state");
    EXPECT_NE(prepare(above_ / "state"), "");
    EXPECT_FALSE(fs::exists(above_ / "elsewhere"));
}

}  // namespace
}  // namespace appliance::boot

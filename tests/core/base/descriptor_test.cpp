#include "core/base/descriptor.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <type_traits>

namespace core::base {
namespace {

int make() {
    return ::eventfd(0, EFD_CLOEXEC);
}

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

static_assert(!std::is_copy_constructible_v<Descriptor> && !std::is_copy_assignable_v<Descriptor>);

TEST(Descriptor, HoldsNothingByDefault) {
    const Descriptor none;
    EXPECT_FALSE(none.valid());
    EXPECT_EQ(none.get(), -1);
}

TEST(Descriptor, ClosesAtTheEndOfItsLife) {
    const int fd = make();
    {
        const Descriptor owner(fd);
        EXPECT_TRUE(owner.valid());
        EXPECT_TRUE(is_open(fd));
    }
    EXPECT_FALSE(is_open(fd));
}

TEST(Descriptor, HandsOverWhenMoved) {
    const int fd = make();
    Descriptor first(fd);
    const Descriptor second(std::move(first));
    EXPECT_FALSE(first.valid());
    EXPECT_EQ(second.get(), fd);
    EXPECT_TRUE(is_open(fd));
}

TEST(Descriptor, ClosesWhatItHeldWhenAnotherIsMovedIn) {
    const int old_fd = make();
    const int new_fd = make();
    Descriptor owner(old_fd);
    owner = Descriptor(new_fd);
    EXPECT_FALSE(is_open(old_fd));
    EXPECT_TRUE(is_open(new_fd));
    EXPECT_EQ(owner.get(), new_fd);
}

TEST(Descriptor, SurvivesBeingMovedIntoItself) {
    const int fd = make();
    Descriptor owner(fd);
    Descriptor& same = owner;
    owner = std::move(same);
    EXPECT_EQ(owner.get(), fd);
    EXPECT_TRUE(is_open(fd));
}

TEST(Descriptor, LetsGoWithoutClosing) {
    const int fd = make();
    Descriptor owner(fd);
    EXPECT_EQ(owner.release(), fd);
    EXPECT_FALSE(owner.valid());
    EXPECT_TRUE(is_open(fd));
    const Descriptor again(fd);
}

TEST(Descriptor, ClosesOnReset) {
    const int fd = make();
    Descriptor owner(fd);
    owner.reset();
    EXPECT_FALSE(owner.valid());
    EXPECT_FALSE(is_open(fd));
}

}  // namespace
}  // namespace core::base

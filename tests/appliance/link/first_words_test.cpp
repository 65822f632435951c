#include "appliance/link/first_words.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace appliance::link {
namespace {

TEST(FirstWords, AreWhatTheChildSaidBeforeItWorked) {
    auto words = FirstWords::make();
    ASSERT_TRUE(words.has_value()) << words.error().line();
    ASSERT_EQ(::write(words->child_end(), "one\ntwo\n", 8), 8);
    EXPECT_EQ(words->take(), "one\ntwo\n");
    EXPECT_EQ(words->take(), "");
    words->born();
    EXPECT_EQ(words->take(), "");
    EXPECT_EQ(FirstWords().take(), "");
}

TEST(FirstWords, NeverHoldUpAChildThatSaysTooMuch) {
    auto words = FirstWords::make();
    ASSERT_TRUE(words.has_value()) << words.error().line();
    const std::string much(1 << 20, 'x');
    EXPECT_LT(::write(words->child_end(), much.data(), much.size()), static_cast<ssize_t>(much.size()));
    EXPECT_LT(::write(words->child_end(), much.data(), much.size()), 0);
    EXPECT_FALSE(words->take().empty());
}

TEST(FirstWords, AreOneLineForTheOperator) {
    EXPECT_EQ(as_line("gatehouse: no ring: not permitted; allow it\n"), "no ring: not permitted; allow it");
    EXPECT_EQ(as_line("terminate called\n  what():  oh\n"), "terminate called   what():  oh");
    EXPECT_EQ(as_line("\n"), "");
    EXPECT_EQ(as_line(std::string(FirstWords::line_max, 'x')).size(), FirstWords::line_max);
    EXPECT_EQ(as_line(std::string(FirstWords::line_max + 1, 'x')).size(), FirstWords::line_max);
}

TEST(FirstWords, GoToTheDaemonsOwnStandardErrorAfterThat) {
    const int before = ::dup(STDERR_FILENO);
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    keep_errors(ends[1]);
    release_errors();
    release_errors();  // a second time changes nothing
    ASSERT_EQ(::write(STDERR_FILENO, "x", 1), 1);
    ::dup2(before, STDERR_FILENO);
    ::close(before);
    char byte = 0;
    EXPECT_EQ(::read(ends[0], &byte, 1), 1);
    EXPECT_EQ(byte, 'x');
    ::close(ends[0]);
}

}  // namespace
}  // namespace appliance::link

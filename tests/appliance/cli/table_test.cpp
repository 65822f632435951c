#include "appliance/cli/table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace appliance::cli {
namespace {

TEST(Table, AlignsTextLeftAndNumbersRightWithoutTrailingBlanks) {
    Table table({{"NAME"}, {"COUNT", true}, {"STATE"}});
    table.add({{"a"}, {"7"}, {"up"}});
    table.add({{"longer"}, {"1234567"}, {""}});
    EXPECT_EQ(table.render({}, 1),
              " NAME      COUNT  STATE\n"
              " a             7  up\n"
              " longer  1234567\n");
}

TEST(Table, AWideCellGoesOnInTheNextLineAndNothingIsLost) {
    Table table({{"ADDRESS"}, {"STATE"}});
    table.add({{"[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:65535"}, {"up"}});
    EXPECT_EQ(table.render({.width = 30}),
              "ADDRESS                  STATE\n"
              "[2001:db8:aaaa:bbbb:ccc  up\n"
              "c:dddd:eeee:ffff]:65535\n");
}

TEST(Table, DetailsFollowTheirRowAndWrap) {
    Table table({{"NAME"}});
    table.add({{"a"}}, {{"one two three four"}});
    EXPECT_EQ(table.render({.width = 16}),
              "NAME\n"
              "a\n"
              "    one two\n"
              "      three four\n");
}

TEST(Table, ColoursOnlyWhereTheyAreWelcome) {
    Table table({{"NAME"}});
    table.add({{"a", Tone::bad}});
    EXPECT_EQ(table.render({}).find('\x1b'), std::string::npos);
    EXPECT_THAT(table.render({.colour = true}), testing::HasSubstr("\x1b[1;31ma\x1b[0m"));
}

TEST(Clean, NobodysReasonRewritesTheScreen) {
    EXPECT_EQ(clean("a\x1b[2Jb\r\nc\td"), "a?[2Jb??c?d");
    EXPECT_EQ(clean("\xc2\x9b"
                    "31m"),
              "?31m");  // C1 CSI
    EXPECT_EQ(clean("a\xe2\x80\xae"
                    "b"),
              "a?b");                                          // right-to-left override
    EXPECT_EQ(clean("\xff\xc0\xaf\xed\xa0\x80x"), "??????x");  // not UTF-8, overlong, surrogate
    EXPECT_EQ(clean("\xe2\x82"), "??");                        // cut short
    EXPECT_EQ(clean("na\xc3\xafve \xe2\x82\xac \xf0\x9f\x9a\x80"), "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x9a\x80");
}

TEST(Columns, CountsWhatATerminalShows) {
    EXPECT_EQ(columns("na\xc3\xafve"), 5U);
    EXPECT_EQ(columns("\xe6\x97\xa5\xe6\x9c\xac"), 4U);  // two wide characters
    EXPECT_EQ(columns("e\xcc\x81"), 1U);                 // a combining accent
}

TEST(Wrap, BreaksAtSpacesElseWhereItMust) {
    EXPECT_EQ(wrap("", 5), (std::vector<std::string>{""}));
    EXPECT_EQ(wrap("abcde", 5), (std::vector<std::string>{"abcde"}));
    EXPECT_EQ(wrap("abcde fgh", 5), (std::vector<std::string>{"abcde", "fgh"}));
    EXPECT_EQ(wrap("abcdefgh", 5), (std::vector<std::string>{"abcde", "fgh"}));
    EXPECT_EQ(wrap("      x", 5).back(), "x");
    EXPECT_EQ(wrap("\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5", 5).size(), 2U);
}

TEST(TerminalStyle, IsPlainAndEightyColumnsWhereNobodyLooks) {
    testing::internal::CaptureStdout();  // makes standard output a file
    const Style style = terminal_style();
    testing::internal::GetCapturedStdout();
    EXPECT_EQ(style.width, 80U);
    EXPECT_FALSE(style.colour);
}

}  // namespace
}  // namespace appliance::cli

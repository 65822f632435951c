#include "appliance/cli/terminal/table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "appliance/cli/terminal/view.hpp"

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

TEST(Clean, NoReasonRewritesTheScreen) {
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

TEST(Table, BecomesParagraphsWhereItsColumnsHaveNoRoom) {
    Table table({{"SERVER"}, {"ADDRESS"}, {"STATE"}, {"CHECK"}, {"ACTIVE", true}});
    table.add({{"production-web-1"}, {"10.0.0.11:80"}, {"fenced"}, {""}, {"12"}}, {{"why"}});
    // 16 + 12 + 6 + 5 + 6 columns at least, and 4 gaps of two: no address is broken.
    EXPECT_EQ(table.render({.width = 52}),
              "SERVER production-web-1, ADDRESS 10.0.0.11:80, STATE\n"
              "  fenced, ACTIVE 12\n"
              "    why\n");
    EXPECT_TRUE(table.render({.width = 53}).starts_with("SERVER            ADDRESS       STATE"));
}

TEST(Table, AWordGoesOverTwoLinesAtMost) {
    Table table({{"NAME"}, {"STATE"}});
    table.add({{std::string(50, 'n')}, {"up"}});
    EXPECT_TRUE(table.render({.width = 32}).starts_with("NAME"));
    EXPECT_EQ(table.render({.width = 32}).find("NAME "), 0U);
    EXPECT_TRUE(table.render({.width = 31}).starts_with("NAME\n  nnn")) << table.render({.width = 31});
}

TEST(Table, WithoutATerminalALineIsAsLongAsItHasToBe) {
    Table table({{"SERVER"}, {"WHY"}});
    const std::string name(200, 'n');
    table.add({{name}, {name}}, {{name + " " + name}});
    const std::string shown = table.render({.width = Style::unlimited});
    EXPECT_THAT(shown, testing::HasSubstr("\n" + name + "  " + name + "\n    " + name + " " + name + "\n"));
}

class TerminalStyle : public testing::Test {
protected:
    ~TerminalStyle() override { ::unsetenv("COLUMNS"); }
    // Of a standard output that is a file.
    static Style look() {
        testing::internal::CaptureStdout();
        const Style style = terminal_style();
        testing::internal::GetCapturedStdout();
        return style;
    }
};

TEST_F(TerminalStyle, IsPlainAndOfUnlimitedWidthWithoutATerminal) {
    ::unsetenv("COLUMNS");
    EXPECT_EQ(look().width, Style::unlimited);
    EXPECT_FALSE(look().colour);
}

TEST_F(TerminalStyle, FollowsColumns) {
    for (const auto& [said, width] : std::vector<std::pair<const char*, std::size_t>>{
             {"60", 60}, {"200", 200}, {"40", 40}, {"39", 40}, {"0", Style::unlimited}, {"wide", Style::unlimited}}) {
        ::setenv("COLUMNS", said, 1);
        EXPECT_EQ(look().width, width) << said;
    }
}

TEST_F(TerminalStyle, AFailureIsOneLineForScriptsWhateverColumnsSays) {
    ::setenv("COLUMNS", "40", 1);
    testing::internal::CaptureStderr();
    complain("gatehouse: a failure with more words than forty columns have room for\n");
    EXPECT_EQ(testing::internal::GetCapturedStderr(),
              "gatehouse: a failure with more words than forty columns have room for\n");
}

TEST(View, ALengthIsPrintedAsItWasWritten) {
    for (const char* written : {"10s", "1d", "2h 30m", "1h 59m", "500ms", "90061s"}) {
        EXPECT_EQ(print_length(*core::base::parse_duration(written)), written);
    }
    EXPECT_EQ(print_length(*core::base::parse_duration("150m")), "2h 30m");
}

TEST(Screen, IsDrawnOverWhatStandsThereAndNeverLargerThanTheWindow) {
    EXPECT_EQ(redraw("a\nb\n", 5), "\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J");
    EXPECT_EQ(redraw("a\nb\n", 2), redraw("a\nb\n", 5));
    EXPECT_EQ(redraw("a\nb\nc\nd\n", 2),
              "\x1b[Ha\x1b[K\n... and 3 more lines: a larger window shows them\x1b[K\n\x1b[J");
    EXPECT_EQ(redraw("", 1), "\x1b[H\x1b[J");
}

}  // namespace
}  // namespace appliance::cli

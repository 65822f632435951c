#include "images/console/screen.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace images::console {
namespace {

using testing::HasSubstr;
using testing::Not;

Facts facts() {
    return {"7", "gate1", {"10.0.2.15", "fd00::15"}, std::string(64, 'A'), R"({"pools": [
      {"name": "app", "backends": [{"state": "up"}, {"state": "fenced"}, {"state": "down"}]},
      {"name": "chat", "backends": [{"state": "down"}]}]})"};
}

TEST(Screen, HasWhatAnOperatorWantsToKnow) {
    const std::string screen = draw(facts());
    EXPECT_THAT(screen, HasSubstr("version 7, on gate1"));
    EXPECT_THAT(screen, HasSubstr("10.0.2.15  fd00::15"));
    EXPECT_THAT(screen, HasSubstr(std::string(64, 'A')));
    EXPECT_THAT(screen, HasSubstr("app: 1 of 3 servers up, 1 fenced\r\n"));
    EXPECT_THAT(screen, HasSubstr("chat: 0 of 1 servers up; visitors get the page\r\n"));
}

TEST(Screen, SaysWhatIsNotThereYet) {
    const std::string screen = draw({"7", "gate1", {}, "", std::nullopt});
    EXPECT_THAT(screen, HasSubstr("no address yet"));
    EXPECT_THAT(screen, HasSubstr("does not answer"));
    EXPECT_THAT(screen, Not(HasSubstr("SHA-256")));
}

TEST(Screen, FitsAndObeysNoControlCharacters) {
    Facts odd = facts();
    odd.name = "gate\x1b[2J" + std::string(100, 'x');
    std::string pools;
    for (int at = 0; at < 40; ++at) {
        pools += std::string(at == 0 ? "" : ",") + R"({"name": "p", "backends": []})";
    }
    odd.state = "{\"pools\": [" + pools + "]}";
    const std::string screen = draw(odd);
    std::istringstream lines(screen);
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        EXPECT_LE(line.size(), 81U) << line;  // with its \r
        EXPECT_EQ(line.find('\x1b'), std::string::npos);
    }
    EXPECT_LE(count, 24U);
    EXPECT_THAT(screen, HasSubstr("and 28 pools more"));
}

TEST(Screen, AnAnswerThatIsNoneLeavesAGap) {
    for (const char* answer : {"", "{", "[]", R"({"pools": 3})", R"({"pools": [3, {"name": 4, "backends": {}}]})"}) {
        Facts odd = facts();
        odd.state = answer;
        EXPECT_THAT(draw(odd), HasSubstr("gate1")) << answer;
    }
}

Wish type(Keyboard& keyboard, std::string_view keys, std::string& answer) {
    Wish wish = Wish::none;
    for (const char key : keys) {
        wish = keyboard.press(key, answer);
    }
    return wish;
}

TEST(Keyboard, TakesTwoWords) {
    Keyboard keyboard;
    std::string answer;
    EXPECT_EQ(type(keyboard, "reboot", answer), Wish::none);
    EXPECT_EQ(type(keyboard, "\r", answer), Wish::reboot);
    EXPECT_EQ(type(keyboard, "reboott\r", answer), Wish::none);
    EXPECT_EQ(type(keyboard, "rebox\x7fot\n", answer), Wish::reboot);
}

TEST(Keyboard, ForgetHasToBeTypedTwice) {
    Keyboard keyboard;
    std::string answer;
    EXPECT_EQ(type(keyboard, "forget\r", answer), Wish::none);
    EXPECT_THAT(answer, HasSubstr("type forget again"));
    EXPECT_EQ(type(keyboard, "forget\r", answer), Wish::forget);
    EXPECT_EQ(type(keyboard, "forget\rno\rforget\r", answer), Wish::none) << "something else came in between";
    EXPECT_EQ(type(keyboard, "forget\r", answer), Wish::forget);
}

TEST(Keyboard, ForgetsAnythingElse) {
    Keyboard keyboard;
    std::string answer;
    EXPECT_EQ(type(keyboard, "\x1b[A\x03\x04root\r", answer), Wish::none);
    EXPECT_EQ(type(keyboard, std::string(100'000, 'a') + "\r", answer), Wish::none);
    EXPECT_EQ(answer, "");
    EXPECT_EQ(type(keyboard, "reboot\r", answer), Wish::reboot);
}

}  // namespace
}  // namespace images::console

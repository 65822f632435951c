#include "appliance/control/routes/updates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/temporary_folder.hpp"

namespace appliance::control {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class Slots : public testing::Test {
protected:
    void SetUp() override {
        std::filesystem::create_directory(folder / "state");
        std::filesystem::create_directory(folder / "run");
    }

    void says(const std::string& text) const { std::ofstream(folder / "run/status.json") << text; }

    // What was left for gatehouse-update, which takes it away; null where nothing was.
    json take() const {
        std::ifstream in(folder / "state/update-request.json");
        const json left = in ? json::parse(std::string{std::istreambuf_iterator<char>(in), {}}) : json();
        std::filesystem::remove(folder / "state/update-request.json");
        return left;
    }

    Updates updates() const { return Updates(folder / "state", folder / "run"); }

    const tests::TemporaryFolder temporary;
    const std::filesystem::path& folder = temporary.path();
};

TEST_F(Slots, TellsWhatTheOtherSideSays) {
    says(R"({"running":"1","state":"idle","what":"","versions":[{"version":"1","state":"served"}]})");
    const auto status = updates().status();
    ASSERT_TRUE(status.has_value());
    EXPECT_EQ((*status)["running"], "1");
    EXPECT_EQ((*status)["versions"][0]["state"], "served");
}

TEST_F(Slots, LeavesTheRequestWhole) {
    says(R"({"running":"1","state":"refused"})");
    ASSERT_TRUE(updates().install("https://updates.example.org/gatehouse/", true).has_value());
    EXPECT_EQ(take(),
              json::parse(R"({"action":"install","source":"https://updates.example.org/gatehouse/","reboot":true})"));
    ASSERT_TRUE(updates().roll_back().has_value());
    EXPECT_EQ(take(), json::parse(R"({"action":"rollback"})"));
    ASSERT_TRUE(updates().reboot().has_value());
    EXPECT_EQ((*updates().status())["state"], "asked");
    EXPECT_EQ(updates().reboot().error().status, 409) << "the one before has not been taken yet";
    EXPECT_EQ(take(), json::parse(R"({"action":"reboot"})"));
    EXPECT_EQ((*updates().status())["state"], "refused");
}

TEST_F(Slots, TakesAPlaceUpToItsLimit) {
    says(R"({"state":"idle"})");
    const std::string begin = "https://";
    EXPECT_TRUE(updates().install(begin + std::string(Updates::source_max - begin.size(), 'a'), false).has_value());
    for (const std::string& wrong :
         {begin + std::string(Updates::source_max - begin.size() + 1, 'a'), std::string("ftp://updates.example.org/"),
          std::string("/mnt"), std::string(), std::string("https://a b/"), std::string("https://a\n/"),
          std::string("https://\xc3\xa4/")}) {
        const auto answer = updates().install(wrong, false);
        ASSERT_FALSE(answer.has_value()) << wrong;
        EXPECT_EQ(answer.error().status, 400) << wrong;
    }
}

TEST_F(Slots, DoesOneThingAtATime) {
    for (const char* state : {"fetching", "installing", "rebooting"}) {
        says(json{{"state", state}}.dump());
        EXPECT_EQ(updates().install("https://a/", false).error().status, 409) << state;
    }
    for (const char* state : {"installing", "rebooting"}) {
        says(json{{"state", state}}.dump());
        EXPECT_EQ(updates().roll_back().error().status, 409) << state;
    }
    EXPECT_EQ(updates().reboot().error().status, 409) << "it is rebooting already";
    EXPECT_TRUE(take().is_null());
}

TEST_F(Slots, AFetchDelaysNeitherARollBackNorAReboot) {
    says(R"({"state":"fetching"})");
    ASSERT_TRUE(updates().roll_back().has_value());
    EXPECT_EQ(updates().reboot().error().status, 409) << "going back is a reboot";
    EXPECT_EQ(take(), json::parse(R"({"action":"rollback"})"));
    for (const char* state : {"fetching", "installing"}) {
        says(json{{"state", state}}.dump());
        ASSERT_TRUE(updates().reboot().has_value()) << state;
        EXPECT_EQ(take(), json::parse(R"({"action":"reboot"})")) << state;
    }
    says(R"({"state":"idle"})");
    ASSERT_TRUE(updates().install("https://a/", true).has_value());
    EXPECT_EQ(updates().install("https://b/", true).error().status, 409);
    ASSERT_TRUE(updates().roll_back().has_value()) << "in place of an update that has not begun";
    EXPECT_EQ(take(), json::parse(R"({"action":"rollback"})"));
}

TEST_F(Slots, SaysWhenThereIsNoReportYet) {
    EXPECT_EQ(updates().status().error().status, 503);
    says("{\"running\":");
    EXPECT_EQ(updates().install("https://a/", false).error().status, 503);
    EXPECT_TRUE(take().is_null());
}

TEST_F(Slots, ThatIsNoImageHasNoSlots) {
    std::filesystem::remove_all(folder / "run");
    const auto answer = updates().status();
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().status, 501);
    EXPECT_THAT(answer.error().error.line(), HasSubstr("does not run in Gatehouse's image"));
    EXPECT_EQ(updates().reboot().error().status, 501);
}

TEST_F(Slots, SaysWhyARequestCannotBeLeft) {
    says(R"({"state":"idle"})");
    std::filesystem::remove_all(folder / "state");
    const auto answer = updates().roll_back();
    ASSERT_FALSE(answer.has_value());
    EXPECT_THAT(answer.error().error.line(), HasSubstr("cannot leave the request"));
}

}  // namespace
}  // namespace appliance::control

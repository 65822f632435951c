// Messages between the processes, as a hijacked one sends them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/fuzz/message_checks.hpp"

namespace appliance::boot {
namespace {

using nlohmann::json;

TEST(Messages, EachOfOursIsTakenByADecoder) {
    for (const json& message : fuzz::good_messages()) {
        const auto taken = fuzz::check_text(message.dump());
        EXPECT_EQ(taken.trouble, "");
        EXPECT_GE(taken.decoders, 1U) << message.dump();
    }
}

TEST(Messages, WhateverIsBrokenInOneNoExceptionLeavesADecoder) {
    std::mt19937 chance(4711);  // the same every time
    for (int i = 0; i < 20'000; ++i) {
        std::vector<std::byte> bytes(1 + chance() % 24);
        for (std::byte& byte : bytes) {
            byte = static_cast<std::byte>(chance());
        }
        ASSERT_EQ(fuzz::check_broken(bytes), "") << "number " << i;
    }
}

TEST(Messages, CutShortAnywhereTheyAreRefused) {
    for (const json& message : fuzz::good_messages()) {
        const std::string text = message.dump();
        for (std::size_t size = 0; size < text.size(); ++size) {
            ASSERT_FALSE(link::parse_message(std::string_view(text).substr(0, size)).has_value());
        }
    }
}

TEST(Messages, NestedDeepTheyAreRefusedBeforeTheyAreParsed) {
    const auto nested = [](std::size_t depth) {
        return R"({"x":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
    };
    EXPECT_TRUE(link::parse_message(nested(link::depth_max)).has_value());
    EXPECT_FALSE(link::parse_message(nested(link::depth_max + 1)).has_value());
    EXPECT_FALSE(link::parse_message(nested(500'000)).has_value());
    EXPECT_TRUE(link::parse_message(R"({"x":"\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["})").has_value());
}

// These ended the supervisor once.
TEST(Messages, ARequestWithoutItsFieldsIsAnErrorAndNoException) {
    for (const char* text : {R"({"type":5})", R"({"type":"check_upgrade"})", R"({"type":"check_upgrade","id":{}})",
                             R"({})", R"({"type":"open_listeners","id":1,"address":"x","count":-1})",
                             R"({"type":"is_child","id":1,"pid":1e300})"}) {
        const auto body = link::parse_message(text);
        ASSERT_TRUE(body.has_value());
        EXPECT_FALSE(link::decode_request(*body).has_value()) << text;
    }
}

TEST(Messages, TheAnnouncedEndOfMaintenanceArrivesInAllItsForms) {
    for (const json& message : fuzz::good_messages()) {
        if (message["type"] == "administer") {
            const auto order = decode_order({message, {}});
            ASSERT_TRUE(order.has_value()) << order.error().line();
            const auto& page = std::get<AdministerOrder>(*order).administration.maintenance.at(0);
            EXPECT_EQ(page.until, "2026-11-28T20:00:00Z");
            EXPECT_EQ(page.until_local, "later");
            EXPECT_TRUE(page.ends.has_value());
        }
    }
}

TEST(Messages, AConfigurationWithMissingNamesDoesNotReachTheDataPlane) {
    const auto breaks = [](const char* pointer, json value) {
        for (json message : fuzz::good_messages()) {
            if (message["type"] == "configure") {
                message[json::json_pointer(pointer)] = std::move(value);
                return !decode_order({message, fuzz::empty_descriptors(3)}).has_value();
            }
        }
        return false;
    };
    EXPECT_TRUE(breaks("/listeners/0/pool", "nowhere"));
    EXPECT_TRUE(breaks("/listeners/0/routes/0/pool", "nowhere"));
    EXPECT_TRUE(breaks("/listeners/0/mode", "udp"));
    EXPECT_TRUE(breaks("/workers", 3));
    EXPECT_TRUE(breaks("/workers", 4'000'000'000U));
    EXPECT_TRUE(breaks("/pools/0/check/fall", 0));
    EXPECT_TRUE(breaks("/pools/0/check/interval", -1));
    EXPECT_TRUE(breaks("/pools/0/backends/0/weight", 0));
    EXPECT_FALSE(breaks("/pools/0/backends/0/weight", 2));
}

}  // namespace
}  // namespace appliance::boot

// What control writes of a configuration for the proxy is what the proxy reads: each list of fields there and back.
#include "appliance/config/model/link_fields.hpp"

#include <gtest/gtest.h>

#include "appliance/config/model/fields.hpp"

namespace appliance::config {
namespace {

using nlohmann::json;

// A value that is neither the default nor at a bound, for every field.
class Different {
public:
    void text(const char* key, std::string& value, const char*) { value = std::string("another ") + key; }
    void headers(const char*, std::vector<std::string>& value, const char*) { value = {"X-A: b", "X-C: d"}; }
    template <typename Number>
    void number(const char*, Number& value, std::int64_t min, std::int64_t max, const char*) {
        value = static_cast<Number>(value == static_cast<Number>(max) ? min : value + 1);
    }
    template <typename Number>
    void size(const char*, Number& value, std::uint64_t, std::uint64_t, const char*) {
        ++value;
    }
    void port(const char*, std::uint16_t& value, const char*) { value = 8080; }
    void duration(const char*, core::Milliseconds& value, core::Milliseconds, core::Milliseconds max, const char*) {
        value = std::min(value + core::Milliseconds(1'234), max);
    }
    void statuses(const char*, core::http::StatusSet& value, const char*) {
        value = *core::http::StatusSet::parse({"204", "3xx"});
    }
    void flag(const char*, bool& value, const char*) { value = !value; }
    void networks(const char*, std::vector<core::Network>& value, const char*) {
        value = {*core::Network::parse("10.0.0.0/8"), *core::Network::parse("fd00::/8")};
    }
    void addresses(const char*, std::vector<core::Address>& value, const char*) {
        value = {*core::Address::parse_host("10.0.0.5", 0), *core::Address::parse_host("fd00::5", 0)};
    }
    template <typename Enum, typename Words>
    void choice(const char*, Enum& value, const Words& words, const char*) {
        for (const auto& [name, meaning] : words) {
            if (meaning != value) {
                value = meaning;
                return;
            }
        }
    }
};

template <typename Settings>
json written(const Settings& settings) {
    json object = json::object();
    each_field(settings, ToLink(object));
    return object;
}

template <typename Settings>
bool is_read(const json& object, Settings& settings) {
    try {
        each_field(settings, FromLink(object));
        return true;
    } catch (const link::Malformed&) {
        return false;
    }
}

template <typename Settings>
class LinkFields : public ::testing::Test {};

using Lists = ::testing::Types<core::proxy::PoolSettings, core::proxy::BackendSettings, core::proxy::ListenerSettings,
                               Check, Timeouts, Limits>;
TYPED_TEST_SUITE(LinkFields, Lists);

TYPED_TEST(LinkFields, AreReadAsTheyWereWritten) {
    TypeParam different;
    each_field(different, Different());
    EXPECT_NE(different, TypeParam());
    for (const TypeParam& settings : {TypeParam(), different}) {
        TypeParam read;
        ASSERT_TRUE(is_read(json::parse(written(settings).dump()), read));
        EXPECT_EQ(read, settings);
    }
}

TYPED_TEST(LinkFields, EachDiffersWhenItsFieldDoes) {
    TypeParam different;
    each_field(different, Different());
    const json before = written(TypeParam());
    const json after = written(different);
    for (const auto& [key, value] : after.items()) {
        EXPECT_NE(before.at(key), value) << key;
    }
}

TYPED_TEST(LinkFields, AFieldThatIsMissingOrMistypedIsAnErrorAndNoDefault) {
    const json good = written(TypeParam());
    ASSERT_FALSE(good.empty());
    for (const auto& [key, value] : good.items()) {
        TypeParam read;
        json missing = good;
        missing.erase(key);
        EXPECT_FALSE(is_read(missing, read)) << key;
        for (const json& wrong : {json(nullptr), json::object(), json(-1), json(1.5)}) {
            json mistyped = good;
            mistyped[key] = wrong;
            EXPECT_FALSE(is_read(mistyped, read)) << key << " " << wrong;
        }
    }
}

TEST(LinkFieldsBounds, HoldOnBothSidesOfTheLink) {
    struct Case {
        const char* key;
        json least;
        json most;
    };
    const std::vector<Case> cases{{"weight", 1, Bounds::weight}, {"max_connections", 0, Bounds::max_connections}};
    for (const auto& [key, least, most] : cases) {
        core::proxy::BackendSettings read;
        json object = written(core::proxy::BackendSettings());
        for (const json& value : {least, most}) {
            object[key] = value;
            EXPECT_TRUE(is_read(object, read)) << object;
        }
        object[key] = most.get<std::int64_t>() + 1;
        EXPECT_FALSE(is_read(object, read)) << object;
        object[key] = least.get<std::int64_t>() - 1;
        EXPECT_FALSE(is_read(object, read)) << object;
    }
    json timeouts = written(Timeouts());
    Timeouts read;
    timeouts["head"] = 100;
    EXPECT_TRUE(is_read(timeouts, read));
    timeouts["head"] = 99;
    EXPECT_FALSE(is_read(timeouts, read));
    timeouts["head"] = 3'600'001;
    EXPECT_FALSE(is_read(timeouts, read));
}

}  // namespace
}  // namespace appliance::config

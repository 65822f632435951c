#include "core/proxy/session/answer.hpp"

#include <gtest/gtest.h>

namespace core::proxy {
namespace {

Media preferred(std::string_view accept) {
    http::Fields fields;
    fields.add({"Accept", accept});
    return preferred_media(fields);
}

TEST(PreferredMedia, IsTheOneWithTheHighestQuality) {
    EXPECT_EQ(preferred("text/html;q=0.5, application/json;q=0.501"), Media::json);
    EXPECT_EQ(preferred("text/html;q=0.5, application/json;q=0.499"), Media::html);
    EXPECT_EQ(preferred("text/html;q=0, text/plain;q=0.001"), Media::text);
    EXPECT_EQ(preferred("text/html;q=0.9;x=1, text/plain; q=1.000"), Media::text);
    EXPECT_EQ(preferred("text/html;q=0., text/plain"), Media::text);
}

// Their thousandths do not fit an int; the conversion would be undefined.
TEST(PreferredMedia, TakesAQualityThatIsNoneForOne) {
    for (const char* odd :
         {"inf", "nan", "1e300", "-1e300", "1e9", "2", "0.0001", "1.5", ".1", "", "x", "99999999999"}) {
        const std::string json = std::string("application/json;q=") + odd;
        EXPECT_EQ(preferred("text/html;q=0.999, " + json), Media::json) << odd;
        EXPECT_EQ(preferred("text/html;q=1, " + json), Media::html) << odd;
    }
}

}  // namespace
}  // namespace core::proxy

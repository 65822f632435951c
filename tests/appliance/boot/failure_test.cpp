#include "appliance/boot/process/failure.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <system_error>

namespace appliance::boot {
namespace {

TEST(PrintFailure, SaysWhatIsLackingAndHowToGetIt) {
    const std::system_error thread(std::make_error_code(std::errc::resource_unavailable_try_again));
    EXPECT_THAT(print_failure(thread), testing::AllOf(testing::StartsWith("cannot make a thread: Resource temporarily"),
                                                      testing::HasSubstr("TasksMax=")));
    EXPECT_THAT(print_failure(std::bad_alloc()), testing::StartsWith("out of memory; "));
    EXPECT_EQ(print_failure(std::runtime_error("its own words")), "its own words");
    EXPECT_THAT(print_failure(std::system_error(std::make_error_code(std::errc::not_a_directory))),
                testing::HasSubstr("Not a directory"));
}

}  // namespace
}  // namespace appliance::boot

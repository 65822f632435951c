// The whole sandbox of each role, tried from inside, and its table syscalls.md.
#include "appliance/boot/confine/cage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "appliance/boot/confine/privileges.hpp"
#include "appliance/boot/confine/sandbox.hpp"
#include "appliance/boot/confine/syscall_list.hpp"
#include "core/io/restrictions.hpp"

namespace appliance::boot {
namespace {

std::string text_of(const std::filesystem::path& file) {
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), {}};
}

class Cage : public testing::TestWithParam<Role> {
protected:
    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "needs root: privileges to give up";
        }
        if (sanitized()) {
            GTEST_SKIP() << "no sandbox in a sanitized build";
        }
    }
};

TEST_P(Cage, RefusesAllThatTheRoleNeedsNot) {
    const auto attempts = try_cage(GetParam(), {"nobody", 65534, 65534});
    ASSERT_TRUE(attempts.has_value()) << attempts.error().line();
    std::string open;
    for (const Attempt& one : *attempts) {
        open += one.refused ? "" : one.what + ": " + one.found + "\n";
    }
    EXPECT_EQ(open, "");
    EXPECT_GT(attempts->size(), 120U);
}

INSTANTIATE_TEST_SUITE_P(Roles, Cage, testing::Values(Role::proxy, Role::control, Role::fence),
                         [](const auto& role) { return std::string(print(role.param)); });

TEST(SyscallTable, SaysWhatTheFiltersAndTheRingsAllow) {
    const std::string printed = print_syscalls();
    std::ofstream(std::filesystem::path(BINARY_DIR) / "syscalls.md") << printed;
    EXPECT_EQ(text_of(std::filesystem::path(SOURCE_DIR) / "appliance/boot/confine/syscalls.md"), printed)
        << "where the change is meant: cp " BINARY_DIR "/syscalls.md " SOURCE_DIR "/appliance/boot/confine/";
}

// An operation that core/ does not submit is none that a ring needs.
TEST(SyscallTable, HasTheRingOperationsThatTheCoreSubmitsAndNoOther) {
    std::set<std::string> submitted;
    const std::regex call("io_uring_prep_(?:multishot_)?([a-z_]+)\\(");
    for (const auto& file : std::filesystem::recursive_directory_iterator(std::filesystem::path(SOURCE_DIR) / "core")) {
        if (file.path().extension() == ".cpp" || file.path().extension() == ".hpp") {
            const std::string text = text_of(file.path());
            for (std::sregex_iterator found(text.begin(), text.end(), call), end; found != end; ++found) {
                std::string name = (*found)[1];
                std::transform(name.begin(), name.end(), name.begin(), [](char c) { return std::toupper(c); });
                submitted.insert(name == "CANCEL" ? "ASYNC_CANCEL" : name);
            }
        }
    }
    std::set<std::string> allowed;
    for (const core::io::RingRight& right : core::io::ring_operations()) {
        allowed.insert(right.name);
    }
    EXPECT_EQ(submitted, allowed);
}

}  // namespace
}  // namespace appliance::boot

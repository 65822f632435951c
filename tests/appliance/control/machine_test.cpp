#include "appliance/control/diagnose/machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temporary_folder.hpp"

namespace appliance::control {
namespace {

using Json = nlohmann::ordered_json;

class Procfs : public testing::Test {
protected:
    void SetUp() override {
        std::filesystem::create_directories(folder / "net");
        std::filesystem::create_directories(folder / "sys/kernel");
    }
    void has(const std::string& file, const std::string& text) const { std::ofstream(folder / file) << text; }

    const tests::TemporaryFolder temporary;
    const std::filesystem::path& folder = temporary.path();
};

TEST_F(Procfs, TellsTheListeningSockets) {
    const std::string head = "  sl  local_address rem_address   st tx_queue\n";
    has("net/tcp", head +
                       "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0\n"
                       "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0\n"
                       "   2: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  0\n"
                       "   3: nonsense\n");
    has("net/tcp6",
        head + "   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0\n");
    has("net/udp", head +
                       "   0: 0F02000A:0044 00000000:0000 07 00000000:00000000\n"
                       "   1: 0F02000A:0045 0202000A:0043 01 00000000:00000000\n");
    EXPECT_EQ(view_machine(folder)["listening"], Json::parse(R"([
      {"protocol": "tcp", "address": "127.0.0.1:8080"}, {"protocol": "tcp6", "address": "[::1]:80"},
      {"protocol": "udp", "address": "10.0.2.15:68"}])"));
}

TEST_F(Procfs, TellsMemoryAndSettings) {
    has("meminfo",
        "MemTotal:         473000 kB\nMemFree:  1 kB\nMemAvailable:     300000 kB\nHugePages_Total:       0\n");
    has("sys/kernel/modules_disabled", "1\n");
    const Json machine = view_machine(folder);
    EXPECT_EQ(machine["memory"], Json::parse(R"({"total": 484352000, "available": 307200000})"));
    EXPECT_EQ(machine["settings"], Json::parse(R"({"kernel.modules_disabled": "1"})"));
}

TEST_F(Procfs, LeavesOutWhatIsNotThere) {
    std::filesystem::remove_all(folder);
    EXPECT_EQ(view_machine(folder), Json::parse(R"({"memory": {}, "listening": [], "settings": {}})"));
}

TEST(Machine, IsThisOne) {
    const Json machine = view_machine();
    EXPECT_GT(machine["memory"]["total"].get<std::uint64_t>(), 0U);
    EXPECT_TRUE(machine["settings"].contains("kernel.randomize_va_space"));
}

}  // namespace
}  // namespace appliance::control

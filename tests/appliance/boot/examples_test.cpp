// Checks of the example units that systemd itself does not make.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace appliance::boot {
namespace {

TEST(ExampleUnits, OfAnotherUserNameItsFilesInFull) {
    // systemd.unit(5): in a unit of the system manager %h is root's home, whatever User= says.
    unsigned units = 0;
    for (const auto& entry : std::filesystem::directory_iterator(SOURCE_DIR "/appliance/examples/systemd")) {
        std::ifstream file(entry.path());
        ++units;
        for (std::string line; std::getline(file, line);) {
            EXPECT_TRUE(line.starts_with('#') || line.find("%h") == std::string::npos) << entry.path() << ": " << line;
        }
    }
    EXPECT_GE(units, 2U);
}

}  // namespace
}  // namespace appliance::boot

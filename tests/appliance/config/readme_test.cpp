// The README's two lists of keys: the complete example is valid, and the defaults that are told are the defaults.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <vector>

#include "appliance/config/load.hpp"
#include "tests/support/temporary_folder.hpp"

namespace appliance::config {
namespace {

namespace fs = std::filesystem;

// Table and keys, in the order of the text.
using Tables = std::vector<std::pair<std::string, std::string>>;

// The indented lines from the first table after the heading to the first text that is not indented.
Tables read_block(const std::string& heading) {
    std::ifstream file(SOURCE_DIR "/README.md");
    std::string line;
    while (std::getline(file, line) && !line.starts_with(heading)) {
    }
    Tables tables;
    while (std::getline(file, line)) {
        if (line.starts_with("    [")) {
            tables.emplace_back(line.substr(4, line.find(']') - 3), "");
        } else if (!tables.empty() && line.starts_with("    ")) {
            tables.back().second += line.substr(4) + "\n";
        } else if (!tables.empty() && !line.empty()) {
            break;
        }
    }
    return tables;
}

TEST(Readme, TellsTheDefaultsOfTheKeysThatMayBeLeftOut) {
    const tests::TemporaryFolder folder;
    std::ofstream(folder.path() / "maintenance.html") << "soon";
    const auto load_tables = [&folder](const Tables& tables) {
        std::ostringstream text;
        for (const auto& [table, keys] : tables) {
            text << table << "\n" << keys;
        }
        std::string all = text.str();
        const auto user = all.find("user = \"gatehouse\"");
        all.replace(user, 18, "user = \"nobody\"");
        std::ofstream(folder.path() / "g.toml") << all;
        auto config = load(folder.path() / "g.toml");
        EXPECT_TRUE(config.has_value()) << config.error().front().text() << "\n" << all;
        return config;
    };
    Tables complete = read_block("TOML. A complete example");
    const auto plain = load_tables(complete);
    const Tables defaults = read_block("Every other key of these tables");
    EXPECT_GE(defaults.size(), 9U);
    for (const auto& [table, keys] : defaults) {
        const auto found =
            std::find_if(complete.begin(), complete.end(), [&](const auto& one) { return one.first == table; });
        if (found == complete.end()) {
            complete.emplace_back(table, keys);
        } else {
            found->second += keys;
        }
    }
    const auto merged = load_tables(complete);
    ASSERT_TRUE(plain.has_value() && merged.has_value());
    EXPECT_EQ(plain->pools, merged->pools);
    EXPECT_EQ(plain->limits, merged->limits);
    EXPECT_EQ(plain->timeouts, merged->timeouts);
    EXPECT_EQ(plain->maintenance, merged->maintenance);
    EXPECT_EQ(plain->proxy, merged->proxy);
    EXPECT_EQ(plain->firewall, merged->firewall);
    EXPECT_EQ(*plain, *merged);
}

}  // namespace
}  // namespace appliance::config

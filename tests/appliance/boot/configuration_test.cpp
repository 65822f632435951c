// Checks the fuzz target's properties (tests/fuzz) on randomly broken configurations, the same in every run.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/configuration_checks.hpp"

namespace appliance::boot {
namespace {

std::string seed() {
    std::ifstream in(SOURCE_DIR "/tests/fuzz/seeds/configuration_fuzz/whole.toml");
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
        lines.push_back(text.substr(begin, end - begin));
        begin = end;
    }
    return lines;
}

// Most of it stays TOML: lines go, come twice and change places, values change their type or length.
std::string broken(const std::vector<std::string>& lines, std::mt19937& chance) {
    const auto below = [&chance](std::size_t end) { return chance() % end; };
    std::vector<std::string> text = lines;
    for (auto wounds = below(4) + 1; wounds > 0; --wounds) {
        std::string& line = text[below(text.size())];
        const auto equals = line.find('=');
        switch (below(7)) {
            case 0:
                line.clear();
                break;
            case 1:
                line += text[below(text.size())];
                break;
            case 2:
                std::swap(line, text[below(text.size())]);
                break;
            case 3:
                line[below(line.size())] = static_cast<char>(below(256));
                break;
            case 4:
                line = line.substr(0, equals == std::string::npos ? 0 : equals) + "= \"" +
                       std::string(below(70'000), 'x') + "\"\n";
                break;
            case 5:
                line = line.substr(0, equals == std::string::npos ? 0 : equals) + "= -9223372036854775808\n";
                break;
            default:
                line = line.substr(0, equals == std::string::npos ? 0 : equals) + "= [{}, [], 1.5, 1979-05-27]\n";
        }
        if (line.empty()) {
            line = "\n";
        }
    }
    std::string joined;
    for (const std::string& line : text) {
        joined += line;
    }
    return joined;
}

TEST(Configuration, TheWholeOneIsTakenAndReachesTheProxy) {
    const auto config = config::parse(seed(), "/nonexistent/gatehouse.toml");
    ASSERT_TRUE(config) << config.error().front().text();
    EXPECT_EQ(fuzz::check_link(*config), "");
}

TEST(Configuration, ABrokenOneIsRefusedInPlainWordsAndOneThatIsTakenReachesTheProxy) {
    std::mt19937 chance(1);  // NOLINT(cert-msc51-cpp): the same text in every run
    const std::vector<std::string> lines = lines_of(seed());
    int taken = 0;
    for (int round = 0; round < 3000; ++round) {
        const std::string text = broken(lines, chance);
        ASSERT_EQ(fuzz::check_configuration(text), "") << "round " << round << "\n" << text.substr(0, 5000);
        taken += config::parse(text, "/nonexistent/gatehouse.toml").has_value() ? 1 : 0;
    }
    EXPECT_GT(taken, 100) << "or only refusals were tried";
    EXPECT_LT(taken, 2900);
}

}  // namespace
}  // namespace appliance::boot

// The threats of SECURITY.md: each row names the tests that hold what it says, and each of these is there.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <utility>

#include "tests/support/tidy.hpp"

namespace tests::support::tidy {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view heading = "## Threats";

std::string read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// "core_proxy" of tests/core/proxy/a_test.cpp, as ctest names it.
std::string room_of_tests(const fs::path& folder) {
    if (folder == "torture" || folder == "search") {
        return folder == "torture" ? "core_torture" : "appliance_search";
    }
    std::string room = folder.generic_string();
    std::replace(room.begin(), room.end(), '/', '_');
    return room;
}

void add_matches(const std::string& text, const std::regex& pattern, const std::string& before,
                 std::set<std::string>& to) {
    for (auto found = std::sregex_iterator(text.begin(), text.end(), pattern); found != std::sregex_iterator();
         ++found) {
        to.insert(before + (found->size() > 2 ? found->str(1) + "." + found->str(2) : found->str(1)));
    }
}

bool is_row(std::string_view line) {
    return line.starts_with("|") && line.find_first_not_of("|-: ") != std::string_view::npos;
}

}  // namespace

std::set<std::string> find_tests(const std::string& root) {
    const std::regex unit(R"(\nTEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\))");
    const std::regex system(R"(\n    def (test_\w+)\()");
    std::set<std::string> tests;
    const fs::path top = fs::path(root) / "tests";
    for (const auto& entry : fs::recursive_directory_iterator(top)) {
        const fs::path path = entry.path().lexically_relative(top);
        if (path.extension() == ".cpp") {
            add_matches(read(entry.path()), unit, room_of_tests(path.parent_path()) + "/", tests);
        } else if (path.extension() == ".py" && path.parent_path() == "system") {
            add_matches(read(entry.path()), system, "system/" + path.stem().string() + ".", tests);
        }
    }
    return tests;
}

Findings check_threats(const std::string& document, const std::set<std::string>& tests) {
    const std::regex name(R"(`(\w+/\w+\.\w+)`)");
    Findings findings;
    std::size_t rows = 0;
    std::size_t number = 0;
    bool within = false;
    bool head = false;
    for (std::size_t at = 0; at < document.size(); ++number) {
        const std::size_t end = std::min(document.find('\n', at), document.size());
        const std::string line = document.substr(at, end - at);
        at = end + 1;
        if (line.starts_with("## ")) {
            within = line == heading;
            head = within;
        }
        if (!within || !is_row(line)) {
            continue;
        }
        if (std::exchange(head, false)) {
            continue;  // what the columns are
        }
        ++rows;
        const std::string place = "SECURITY.md:" + std::to_string(number + 1) + ": ";
        std::set<std::string> named;
        add_matches(line, name, "", named);
        if (named.empty()) {
            findings.push_back(place + "the row names no test");
        }
        for (const std::string& one : named) {
            if (!tests.contains(one)) {
                findings.push_back(place + "there is no test " + one);
            }
        }
    }
    if (rows == 0) {
        findings.push_back("SECURITY.md: no threat stands below '" + std::string(heading) + "'");
    }
    return findings;
}

}  // namespace tests::support::tidy

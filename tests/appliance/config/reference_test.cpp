// docs/reference/configuration.md against the reader: the keys of each table, their defaults and their ranges; and its
// complete example is valid.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "appliance/config/file/load.hpp"
#include "appliance/config/file/reader.hpp"
#include "core/base/size.hpp"
#include "tests/support/temporary_folder.hpp"

namespace appliance::config {
namespace {

// One row of the page.
struct Documented {
    std::string table;  // "[pool.NAME]"
    std::string key;
    std::string type;
    std::string range;
    std::string fallback;  // as TOML; empty: the page has words there
    std::string example;   // as TOML
};

std::ifstream open_page() {
    return std::ifstream(SOURCE_DIR "/docs/reference/configuration.md");
}

std::string inside_backticks(const std::string& cell) {
    const bool quoted = cell.size() > 2 && cell.front() == '`' && cell.find('`', 1) == cell.size() - 1;
    return quoted ? cell.substr(1, cell.size() - 2) : std::string();
}

// "### A server of `[pool.NAME]`" as the reader calls it.
std::string table_of(const std::string& heading) {
    const auto open = heading.find('`');
    const std::string name = heading.substr(open + 1, heading.rfind('`') - open - 1);
    if (name == "[pool.NAME.check]") {
        return "the check of [pool.NAME]";
    }
    return heading.starts_with("### A server") ? "a server of " + name : name;
}

std::vector<Documented> read_page() {
    std::ifstream page = open_page();
    std::vector<Documented> rows;
    std::string table;
    const std::regex row(R"(\| (`\w+`) \| ([^|]+) \| ([^|]*)\| ([^|]+) \| [^|]+ \| `(.+)` \|)");
    for (std::string line; std::getline(page, line);) {
        std::smatch cells;
        if (line.starts_with("### ")) {
            table = table_of(line);
        } else if (!table.empty() && line.starts_with("| `")) {
            EXPECT_TRUE(std::regex_match(line, cells, row)) << "six cells, and an example in the last: " << line;
            std::string range = cells.str(3);
            range.resize(range.empty() ? 0 : range.size() - 1);  // the blank before the bar
            rows.push_back({table, inside_backticks(cells.str(1)), cells.str(2), range, inside_backticks(cells.str(4)),
                            cells.str(5)});
        }
    }
    return rows;
}

// A table of a file with each kind of table: what the reader calls it, and its text.
struct Block {
    std::string name;
    std::string text;
};

const std::vector<Block>& sample() {
    static const std::vector<Block> blocks{
        {"[listen.web]", "[listen.web]\naddress = \"0.0.0.0:80\"\npool = \"app\"\n"},
        {"[[listen.web.route]]", "[[listen.web.route]]\npath = \"/api\"\npool = \"app\"\n"},
        {"[server.web1]", "[server.web1]\nhost = \"web1.example.org\"\n"},
        {"[pool.app]", "[pool.app]\nport = 80\n"},
        {"the check of [pool.app]", "[pool.app.check]\n"},
        {"a server of [pool.app]", "[[pool.app.servers]]\nname = \"web1\"\n"},
        {"[deploy.app]", "[deploy.app]\npool = \"app\"\n"},
        {"[guard.meetings]",
         "[guard.meetings]\nkind = \"bigbluebutton\"\nurls = [\"https://a/b\"]\nsecret_file = \"secret\"\n"},
        {"[guard.calendar]", "[guard.calendar]\nkind = \"schedule\"\nsource = \"meetings.ics\"\n"},
        {"[guard.nights]", "[guard.nights]\nkind = \"windows\"\ndates = [\"2026-12-24\"]\n"},
        {"[access.ann]", "[access.ann]\nrole = \"admin\"\ncertificate = \"ann\"\n"},
        {"[maintenance]", "[maintenance]\n"},
        {"[fence]", "[fence]\n"},
        {"[site]", "[site]\n"},
        {"[control]", "[control]\n"},
        {"[proxy]", "[proxy]\n"},
        {"[timeouts]", "[timeouts]\n"},
        {"[limits]", "[limits]\n"},
        {"[log]", "[log]\n"},
        {"[firewall]", "[firewall]\n"},
    };
    return blocks;
}

std::string join(const std::vector<Block>& blocks) {
    std::string text;
    for (const Block& block : blocks) {
        text += block.text;
    }
    return text;
}

// "[pool.app]" is "[pool.NAME]" in the page.
std::string general(const std::string& name) {
    return std::regex_replace(name, std::regex(R"((\w+)\.\w+(\.route)?\])"), "$1.NAME$2]");
}

class Reference : public testing::Test {
protected:
    Reference() {
        write("secret", "s");
        std::filesystem::permissions(folder_.path() / "secret", std::filesystem::perms(0600));
        write("maintenance.html", "soon");
        const auto tree = read_tree(join(sample()), "sample.toml");
        Config config;
        config.file = file_;
        Report report("sample.toml");
        Reader(tree.value(), config, report).read();
        keys_ = report.keys();
        EXPECT_TRUE(report.empty());
    }

    void write(const char* name, const std::string& text) const { std::ofstream(folder_.path() / name) << text; }

    // Calls visit with each table of the sample that takes the row's key.
    template <typename Visit>
    void each_table(const Documented& row, Visit visit) const {
        for (std::size_t i = 0; i < sample().size(); ++i) {
            const auto keys = keys_.find(sample()[i].name);
            if (keys != keys_.end() && keys->second.contains(row.key) && general(keys->first) == row.table) {
                visit(i);
            }
        }
    }

    // What the reader finds wrong with the value in the first table that takes the key.
    [[nodiscard]] Problems problems_with(const Documented& row, const std::string& value) const {
        std::vector<Block> blocks = sample();
        bool added = false;
        each_table(row, [&](std::size_t i) {
            if (!added) {
                blocks[i].text = std::regex_replace(blocks[i].text, std::regex("\n" + row.key + " = [^\n]*"), "") +
                                 row.key + " = " + value + "\n";
                added = true;
            }
        });
        EXPECT_TRUE(added) << row.key;
        const auto config = parse(join(blocks), file_);
        return config ? Problems() : config.error();
    }

    [[nodiscard]] bool out_of_range(const Documented& row, const std::string& value) const {
        const Problems problems = problems_with(row, value);
        return std::any_of(problems.begin(), problems.end(), [&](const Problem& problem) {
            return problem.what.find("bad '" + row.key + "'") != std::string::npos &&
                   problem.what.find("out of range") != std::string::npos;
        });
    }

    const tests::TemporaryFolder folder_;
    const std::filesystem::path file_ = folder_.path() / "gatehouse.toml";
    std::map<std::string, std::set<std::string>> keys_;  // that the reader asks the sample for
};

TEST_F(Reference, HasEachKeyThatTheReaderKnowsAndNoOther) {
    std::map<std::string, std::set<std::string>> known;
    for (const auto& [table, keys] : keys_) {
        if (table != "the file") {
            known[general(table)].insert(keys.begin(), keys.end());
        }
    }
    std::map<std::string, std::set<std::string>> documented;
    for (const Documented& row : read_page()) {
        documented[row.table].insert(row.key);
    }
    EXPECT_EQ(documented, known);
}

TEST_F(Reference, TellsTheDefaults) {
    const auto plain = parse(join(sample()), file_);
    ASSERT_TRUE(plain.has_value());
    std::vector<Block> blocks = sample();
    std::size_t told = 0;
    for (const Documented& row : read_page()) {
        const std::string line = row.key + " = " + row.fallback + "\n";
        if (row.fallback.empty() || row.key == "masquerade") {
            continue;  // the second may stand in pools of the kernel only
        }
        if (row.table == "[proxy]" && row.key == "user") {
            EXPECT_EQ(row.fallback, '"' + plain->proxy.user + '"');  // this machine may not have it
            continue;
        }
        each_table(row, [&](std::size_t i) {
            blocks[i].text += line;
            ++told;
        });
    }
    EXPECT_GT(told, 80U);
    const auto merged = parse(join(blocks), file_);
    ASSERT_TRUE(merged.has_value()) << merged.error().front().text() << "\n" << join(blocks);
    EXPECT_EQ(plain->listeners, merged->listeners);
    EXPECT_EQ(plain->servers, merged->servers);
    EXPECT_EQ(plain->pools, merged->pools);
    EXPECT_EQ(plain->recipes, merged->recipes);
    EXPECT_EQ(plain->guards, merged->guards);
    EXPECT_EQ(plain->limits, merged->limits);
    EXPECT_EQ(plain->timeouts, merged->timeouts);
    EXPECT_EQ(plain->maintenance, merged->maintenance);
    EXPECT_EQ(plain->firewall, merged->firewall);
    EXPECT_EQ(*plain, *merged);
}

TEST_F(Reference, TellsTheDefaultOfAPoolInTheKernel) {
    const std::string text =
        "[listen.a]\naddress = \"0.0.0.0:80\"\nmode = \"tcp\"\npool = \"a\"\n[server.s]\nhost = \"10.0.0.1\"\n"
        "[pool.a]\nport = 80\nservers = [\"s\"]\nplane = \"kernel\"\n";
    const std::vector<Documented> rows = read_page();
    const auto row =
        std::find_if(rows.begin(), rows.end(), [](const Documented& each) { return each.key == "masquerade"; });
    ASSERT_NE(row, rows.end());
    const auto plain = parse(text, file_);
    const auto merged = parse(text + "masquerade = " + row->fallback + "\n", file_);
    ASSERT_TRUE(plain.has_value() && merged.has_value());
    EXPECT_EQ(*plain, *merged);
}

TEST_F(Reference, TellsTheRanges) {
    const std::regex range(R"(([\dA-Za-z]+) to ([\dA-Za-z]+))");
    const auto print = [](const Documented& row, std::int64_t value) {
        return row.type == "number" ? std::to_string(value)
               : row.type == "size" ? '"' + core::base::print_size(static_cast<std::uint64_t>(value)) + '"'
                                    : '"' + core::base::print_duration(core::Milliseconds(value)) + '"';
    };
    const auto parse_bound = [](const Documented& row, const std::string& text) {
        return row.type == "number" ? std::stoll(text)
               : row.type == "size" ? static_cast<std::int64_t>(core::base::parse_size(text).value())
                                    : core::base::parse_duration(text).value().count();
    };
    std::size_t seen = 0;
    for (const Documented& row : read_page()) {
        std::smatch bounds;
        if ((row.type != "number" && row.type != "size" && row.type != "duration") ||
            !std::regex_match(row.range, bounds, range)) {
            continue;
        }
        ++seen;
        const std::int64_t first = parse_bound(row, bounds.str(1));
        const std::int64_t last = parse_bound(row, bounds.str(2));
        const std::string what = row.table + " " + row.key;
        EXPECT_FALSE(out_of_range(row, print(row, first))) << what;
        EXPECT_FALSE(out_of_range(row, print(row, last))) << what;
        EXPECT_TRUE(out_of_range(row, print(row, last + 1))) << what;
        EXPECT_TRUE(first == 0 || out_of_range(row, print(row, first - 1))) << what;
    }
    EXPECT_GT(seen, 50U);
}

TEST_F(Reference, HasExamplesThatAreValid) {
    // These need another key, a file, or another name beside them.
    const std::set<std::string> in_company{"[listen.NAME] mode",
                                           "[listen.NAME] proxy_protocol",
                                           "[listen.NAME] route",
                                           "[[listen.NAME.route]] pool",
                                           "[pool.NAME] servers",
                                           "[pool.NAME] plane",
                                           "[pool.NAME] masquerade",
                                           "[pool.NAME] check",
                                           "a server of [pool.NAME] name",
                                           "[deploy.NAME] pool",
                                           "[guard.NAME] kind",
                                           "[guard.NAME] secret_file",
                                           "[guard.NAME] user",
                                           "[guard.NAME] password_file",
                                           "[guard.NAME] ca_file",
                                           "[access.NAME] token_sha256",
                                           "[control] listen",
                                           "[control] certificate",
                                           "[control] key",
                                           "[control] client_ca",
                                           "[firewall] enabled",
                                           "[proxy] user"};
    std::size_t seen = 0;
    for (const Documented& row : read_page()) {
        if (in_company.contains(row.table + " " + row.key)) {
            continue;
        }
        const Problems problems = problems_with(row, row.example);
        EXPECT_TRUE(problems.empty()) << row.table << " " << row.key << ": " << problems.front().text();
        ++seen;
    }
    EXPECT_GT(seen, 90U);
}

TEST_F(Reference, HasACompleteExampleThatIsValid) {
    std::ifstream page = open_page();
    std::string line;
    while (std::getline(page, line) && line != "## A complete example") {
    }
    std::string text;
    while (std::getline(page, line) && !line.starts_with("The demo")) {
        text += (line.starts_with("    ") ? line.substr(4) : line) + "\n";
    }
    const auto user = text.find("\"gatehouse\"");
    ASSERT_NE(user, std::string::npos) << text;
    text.replace(user, std::string_view("\"gatehouse\"").size(), "\"nobody\"");  // which every machine has
    const auto config = parse(text, file_);
    ASSERT_TRUE(config.has_value()) << config.error().front().text();
    EXPECT_EQ(config->pools.size(), 1U);
}

}  // namespace
}  // namespace appliance::config

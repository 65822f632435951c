// The house rules (CONTRIBUTING.md) over the whole tree; then each rule over samples, because a rule that cannot fire
// protects nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "tests/support/tidy.hpp"

namespace {

using namespace tests::support::tidy;
using testing::IsEmpty;

std::string joined(const Findings& findings) {
    std::string text;
    for (const std::string& finding : findings) {
        text += finding + "\n";
    }
    return text;
}

struct Rule {
    const char* name;
    Findings (*check)(const Source&);
};

constexpr Rule rules[] = {
    {"Arrows", check_arrows},
    {"ThirdParty", check_third_party},
    {"Lengths", check_lengths},
    {"Names", check_names},
    {"Words", check_words},
    {"AwaitPlace", check_await_place},
    {"AwaitOperand", check_await_operand},
    {"AwaitBinding", check_await_binding},
    {"LambdaCoroutine", check_lambda_coroutine},
};

const std::vector<Source>& tree() {
    static const std::vector<Source> sources = read_tree(SOURCE_DIR);
    return sources;
}

class House : public testing::TestWithParam<Rule> {};

TEST_P(House, IsTidy) {
    Findings findings;
    for (const Source& source : tree()) {
        for (std::string& finding : GetParam().check(source)) {
            findings.push_back(std::move(finding));
        }
    }
    EXPECT_TRUE(findings.empty()) << joined(findings);
}

INSTANTIATE_TEST_SUITE_P(Tidy, House, testing::ValuesIn(rules), [](const auto& p) { return p.param.name; });

TEST(Tidy, TheTreeIsReadAtAll) {
    EXPECT_GT(tree().size(), 10U);
}

TEST(Tidy, NoIncludeGoesRound) {
    EXPECT_THAT(joined(check_cycles(tree())), IsEmpty());
}

TEST(Tidy, AFileThatIncludesItselfByAnotherIsFound) {
    EXPECT_EQ(check_cycles({make_source("core/base/a.hpp", "#include \"core/base/b.hpp\"\n"),
                            make_source("core/base/b.hpp", "#include \"core/base/a.hpp\"\n")})
                  .size(),
              1U);
}

TEST(Tidy, TwoRoomsThatIncludeEachOtherAreFound) {
    EXPECT_EQ(check_cycles({make_source("appliance/api/a.hpp", "#include \"appliance/cli/b.hpp\"\n"),
                            make_source("appliance/cli/c.hpp", "#include \"appliance/api/d.hpp\"\n")})
                  .size(),
              1U);
}

TEST(Tidy, EveryThreatNamesItsTestsAndTheyAreThere) {
    std::ifstream file(std::string(SOURCE_DIR) + "/SECURITY.md");
    const std::string document(std::istreambuf_iterator<char>(file), {});
    EXPECT_THAT(joined(check_threats(document, find_tests(SOURCE_DIR))), IsEmpty());
}

TEST(Tidy, AThreatWithoutItsTestIsFound) {
    const std::string table = "## Threats\n\n| threat | tests |\n|---|---|\n";
    const std::set<std::string> tests = find_tests(SOURCE_DIR);
    ASSERT_GT(tests.size(), 500U);
    const std::string row = "| a | `tidy/x.y` `system/fence_test.test_rules_say_who_why_and_since` |\n";
    EXPECT_EQ(check_threats(table + "| a | `core_http/Fields.UnderscoredTwinsOfKnownNamesAreUnsafe` |\n", tests).size(),
              0U);
    EXPECT_EQ(check_threats(table + row, tests).size(), 1U) << "tidy/x.y";
    EXPECT_EQ(check_threats(table + "| a | none |\n", tests).size(), 1U);
    EXPECT_EQ(check_threats(table, tests).size(), 1U) << "no row";
    EXPECT_EQ(check_threats(table + row + "## Other\n| b | c |\n", tests).size(), 1U);
}

TEST(Tidy, EveryLinkPathAndCitationOfADocumentLeadsSomewhere) {
    const std::vector<Document> documents = read_documents(SOURCE_DIR);
    const std::set<std::string> files = find_files(SOURCE_DIR);
    EXPECT_GT(documents.size(), 40U);
    EXPECT_THAT(joined(check_links(documents, files)), IsEmpty());
    EXPECT_THAT(joined(check_paths(documents, files)), IsEmpty());
    EXPECT_THAT(joined(check_reach(documents)), IsEmpty());
    for (const Source& source : tree()) {
        EXPECT_THAT(joined(check_citations(source, documents)), IsEmpty());
    }
}

TEST(Tidy, ALinkPathOrCitationThatLeadsNowhereIsFound) {
    const std::set<std::string> files{"README.md", "docs/a.md", "docs/b.md", "core/io/loop.hpp"};
    const auto links = [&](const std::string& text) {
        return check_links({{"README.md", text}, {"docs/a.md", "# A `[key]` page\n"}}, files).size();
    };
    EXPECT_EQ(links("[a](docs/a.md) [a](docs/a.md#a-key-page) [c](https://example.org/x)"), 0U);
    EXPECT_EQ(links("[a](docs/c.md)"), 1U);
    EXPECT_EQ(links("[a](docs/a.md#a-page)"), 1U);
    EXPECT_EQ(links("[a](#none)"), 1U);
    EXPECT_EQ(check_paths({{"docs/a.md", "core/io/loop, (core/io/loop.hpp). `netfilter/Test.Name`"}}, files).size(),
              0U);
    EXPECT_EQ(check_paths({{"docs/a.md", "see core/io/ring."}}, files).size(), 1U);
    const Document middle{"docs/a.md", "[b](b.md)"};
    EXPECT_EQ(check_reach({{"README.md", "[a](docs/a.md)"}, middle, {"docs/b.md", ""}}).size(), 0U);
    EXPECT_EQ(check_reach({{"README.md", ""}, middle, {"docs/b.md", ""}}).size(), 2U);
    const auto cites = [](const std::string& heading) {
        const std::string text = "// ARCHITECTURE.md, \"" + heading + "\"\n";
        return check_citations(make_source("core/io/a.cpp", text), {{"ARCHITECTURE.md", "# Layers\n"}}).size();
    };
    EXPECT_EQ(cites("Layers"), 0U);
    EXPECT_EQ(cites("Links"), 1U);
}

struct Sample {
    Findings (*check)(const Source&);
    std::string path;
    std::string text;
};

std::string lines(std::size_t count, const std::string& line) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
        text += line + "\n";
    }
    return text;
}

class Bad : public testing::TestWithParam<Sample> {};
class Good : public testing::TestWithParam<Sample> {};

TEST_P(Bad, SampleIsFound) {
    const Sample& sample = GetParam();
    EXPECT_FALSE(sample.check(make_source(sample.path, sample.text)).empty()) << sample.text;
}

TEST_P(Good, SamplePasses) {
    const Sample& sample = GetParam();
    EXPECT_THAT(joined(sample.check(make_source(sample.path, sample.text))), IsEmpty()) << sample.text;
}

const Sample bad_samples[] = {
    {check_arrows, "core/base/a.hpp", "#include \"core/io/loop.hpp\"\n"},
    {check_arrows, "core/http/a.cpp", "#include \"core/net/socket.hpp\"\n"},
    {check_arrows, "core/proxy/server/a.cpp", "#include \"netfilter/netlink/socket.hpp\"\n"},
    {check_arrows, "core/proxy/session/a.cpp", "#include \"core/proxy/server/worker.hpp\"\n"},
    {check_arrows, "netfilter/nft/a.cpp", "#include \"core/io/loop.hpp\"\n"},
    {check_arrows, "netfilter/client/a.cpp", "#include \"netfilter/kernel/kernel.hpp\"\n"},
    {check_arrows, "appliance/control/state/a.cpp", "#include \"appliance/control/engine/control.hpp\"\n"},
    {check_arrows, "appliance/control/attic/a.cpp", "\n"},
    {check_arrows, "appliance/cli/a.cpp", "#include \"tests/support/sockets.hpp\"\n"},
    {check_arrows, "appliance/cli/client/a.cpp", "#include \"appliance/cli/commands/host_fence.hpp\"\n"},
    {check_arrows, "appliance/boot/a.cpp", "#include \"appliance/cli/client/command.hpp\"\n"},
    {check_arrows, "core/attic/a.cpp", "\n"},
    {check_words, "appliance/cli/a.cpp", "const auto x = nlohmann::json::parse(text);\n"},
    {check_third_party, "core/net/a.cpp", "#include <liburing.h>\n"},
    {check_third_party, "appliance/boot/a.cpp", "#include <libmnl/libmnl.h>\n"},
    {check_third_party, "core/http/a.cpp", "#include <nlohmann/json.hpp>\n"},
    {check_third_party, "images/setup/a.cpp", "#include <httplib.h>\n"},
    {check_third_party, "images/update/a.cpp", "#include <liburing.h>\n"},
    {check_third_party, "netfilter/nft/a.cpp", "#include <toml++/toml.h>\n"},
    {check_lengths, "core/io/a.cpp", lines(401, "int a;")},
    {check_lengths, "core/io/a.cpp", std::string(121, 'a') + "\n"},
    {check_lengths, "core/io/a.cpp", "void f() {\n" + lines(69, "    g();") + "}\n"},
    {check_lengths, "core/io/a.cpp",
     "namespace a {\nclass B {\npublic:\n    B() : c_{1} {\n" + lines(69, "g({});") + "}\n};\n}\n"},
    {check_lengths, "core/io/a.cpp", "template <typename T>\nvoid f() {\n" + lines(69, "// {") + "}\n"},
    {check_lengths, "core/io/a.cpp", "auto a = R\"(" + std::string(121, 'a') + ")\";\n"},
    {check_names, "core/io/BadName.cpp", "namespace core::io {}\n"},
    {check_names, "core/io/a.hpp", "namespace core::io {}\n"},
    {check_names, "core/io/a.cpp", "namespace core::net {}\n"},
    {check_names, "core/io/a.cpp", "namespace core::io { struct bad_name { int a; }; }\n"},
    {check_names, "core/io/a.cpp", "namespace core::io {}\n#define TWICE(x) x x\n"},
    {check_words, "core/io/a.cpp", "void f() { std::system(\"ls\"); }\n"},
    {check_words, "core/io/a.cpp", "void f() { ::popen (\"ls\", \"r\"); }\n"},
    {check_words, "tests/a_test.cpp", std::string("// TO") + "DO: later\n"},
    {check_await_place, "core/io/a.cpp", "Task f() { if (co_await g()) {} }\n"},
    {check_await_place, "core/io/a.cpp", "Task f() { if (auto x = co_await g(); x) {} }\n"},
    {check_await_place, "core/io/a.cpp", "Task f() { while (!co_await g()) {} }\n"},
    {check_await_place, "core/io/a.cpp", "Task f() { for (int i = 0; co_await g(i); ++i) {} }\n"},
    {check_await_place, "core/io/a.cpp", "Task f() { switch (co_await g()) {} }\n"},
    {check_await_place, "core/io/a.cpp", "Task f() { h(co_await g()); }\n"},
    {check_await_place, "core/io/a.cpp", "Task f() { int x = 1 + co_await g(); }\n"},
    {check_await_place, "core/io/a.cpp", "Task f() { int x = co_await g() + 1; }\n"},
    {check_await_place, "core/io/a.cpp", "Task f() { x += co_await g(); }\n"},
    {check_await_place, "core/io/a.cpp", "Task f() { int x = (co_await g()).size(); }\n"},
    {check_await_place, "core/io/a.cpp", "Task f() { return co_await g(); }\n"},
    {check_await_operand, "core/io/a.cpp", "Task f() { co_await g([&] { h(); }); }\n"},
    {check_await_operand, "core/io/a.cpp", "Task f() { co_await Call{1, [x = a[0]] {}}; }\n"},
    {check_await_binding, "core/io/a.cpp", "Task f() { auto [a, b] = co_await g(); }\n"},
    {check_await_binding, "core/io/a.cpp", "Task f() { const auto& [a, b] = co_await g(); }\n"},
    {check_lambda_coroutine, "core/io/a.cpp", "void f() { spawn([&]() -> Task { co_await g(); }); }\n"},
    {check_lambda_coroutine, "core/io/a.cpp", "auto f = [] { if (a) { co_return; } };\n"},
};

const Sample good_samples[] = {
    {check_arrows, "core/proxy/server/a.cpp", "#include \"core/io/loop.hpp\"\n#include \"core/proxy/session/b.hpp\"\n"},
    {check_arrows, "appliance/boot/a.cpp", "#include \"netfilter/agent/helper.hpp\"\n#include <vector>\n"},
    {check_arrows, "tests/core/io/a_test.cpp", "#include \"appliance/cli/a.hpp\"\n"},
    {check_arrows, "appliance/cli/commands/a.cpp", "#include \"appliance/cli/deploy/order.hpp\"\n"},
    {check_arrows, "appliance/boot/a.cpp", "#include \"appliance/cli/main.hpp\"\n"},
    {check_third_party, "core/io/a.hpp", "#include <liburing.h>\n"},
    {check_third_party, "images/update/a.cpp", "#include <httplib.h>\n"},
    {check_lengths, "core/io/a.cpp", lines(400, "int a;")},
    {check_lengths, "core/io/a.cpp", "void f() {\n" + lines(68, "    g();") + "}\n"},
    {check_lengths, "core/io/a.cpp", "namespace a {\n" + lines(40, "void f() {\n}") + "}\n"},
    {check_lengths, "core/io/a.cpp", "constexpr int table[] = {\n" + lines(90, "1,") + "};\n"},
    {check_names, "core/io/a.cpp",
     "namespace core::io { struct promise_type { struct iovec v; }; class Good : B {}; }\n"},
    {check_names, "appliance/cli/a.hpp", "#pragma once\nnamespace appliance::cli {}\n"},
    {check_names, "appliance/cli/client/a.hpp", "#pragma once\nnamespace appliance::cli {}\n"},
    {check_words, "core/io/a.cpp", "// No system() here.\nstd::system_error e; file_system(1); auto s = \"popen(\";\n"},
    {check_await_place, "core/io/a.cpp", "Task f() { co_await g(1); for (;;) { auto x = co_await h(a + b); } }\n"},
    {check_await_place, "core/io/a.cpp",
     "Task f() { const int n{co_await g()}; x = co_await y->z; co_return co_await h(); }\n"},
    {check_await_place, "core/io/a.cpp",
     "Task f() {\n    if (a) {\n        co_await g();\n    } else co_await h();\n}\n"},
    {check_await_place, "core/io/a.hpp", "auto operator co_await() noexcept;\n// if (co_await x)\n"},
    {check_await_operand, "core/io/a.cpp", "Task f() { co_await g(a[1], b()[2]); auto h = [] {}; }\n"},
    {check_await_binding, "core/io/a.cpp",
     "Task f() { auto r = co_await g(); auto& [a, b] = r; v[0] = co_await h(); }\n"},
    {check_lambda_coroutine, "core/io/a.cpp", "Task f() { auto g = [](int a) { return a; }; co_await h(g(b[1])); }\n"},
};

INSTANTIATE_TEST_SUITE_P(Tidy, Bad, testing::ValuesIn(bad_samples));
INSTANTIATE_TEST_SUITE_P(Tidy, Good, testing::ValuesIn(good_samples));

}  // namespace

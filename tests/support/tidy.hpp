// The house rules that a program can check, each a pure function from sources to findings. tests/tidy_test.cpp runs
// them over the tree, and each of them over a sample that breaks it.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tests::support::tidy {

struct Source {
    std::string path;  // from the top of the tree, "core/io/loop.cpp"
    std::string text;  // as it stands
    std::string code;  // the same size and lines, with comments, literals and preprocessor lines blanked
};

// Fills in `code`.
Source make_source(std::string path, std::string text);

// Every .cpp and .hpp below the house's folders of `root`, in the order of their paths.
std::vector<Source> read_tree(const std::string& root);

// "core/io" of "core/io/loop.cpp"; "appliance" of "appliance/main.cpp".
std::string room_of(std::string_view path);
// core, netfilter, appliance: what ships.
bool is_product(std::string_view path);
// 1-based line of a byte offset.
std::size_t line_of(std::string_view text, std::size_t at);
// The offset of the bracket that closes the one at `open`, or npos.
std::size_t closing(std::string_view code, std::size_t open);
// Offsets at which `word` stands as a word of its own.
std::vector<std::size_t> find_word(std::string_view code, std::string_view word);

struct Include {
    std::string name;
    std::size_t line;
};
std::vector<Include> includes_of(const Source& source);

// A finding is one line, "core/io/loop.cpp:12: what is wrong", so that an editor can jump to it.
using Findings = std::vector<std::string>;
std::string finding(const Source& source, std::size_t line, std::string_view what);

// Include arrows between rooms (ARCHITECTURE.md, "Layers"), and nothing including tests or bench.
Findings check_arrows(const Source& source);
// liburing in core/io only, and every other library where the table in tidy_layers.cpp has it.
Findings check_third_party(const Source& source);
// No file includes itself by any way round, and no two rooms of the appliance include each other.
Findings check_cycles(const std::vector<Source>& tree);

// 400 lines a file, 120 columns a line, 70 lines a function.
Findings check_lengths(const Source& source);
// Snake_case file names, PascalCase types, the namespace that is the path, no macro but VERIFY, #pragma once.
Findings check_names(const Source& source);
// No shell on a product path, no notes to oneself.
Findings check_words(const Source& source);

// Every test below `root`, as ctest names it: "core_http/Fields.FindIgnoresCase" (of a parametrised one without its
// parameter), "system/fence_test.test_rules_say_who_why_and_since".
std::set<std::string> find_tests(const std::string& root);
// The rows of the table below "## Threats" in SECURITY.md name tests, each of which is among these.
Findings check_threats(const std::string& document, const std::set<std::string>& tests);

struct Document {
    std::string path;  // from the top of the tree, "docs/README.md"
    std::string text;
};
// Every .md file below `root`, in the order of their paths.
std::vector<Document> read_documents(const std::string& root);
// Every file and folder below `root`, without what is built.
std::set<std::string> find_files(const std::string& root);
// Each link into the tree leads to a file, and to a heading where it names one.
Findings check_links(const std::vector<Document>& documents, const std::set<std::string>& files);
// Each page of docs/ is at most two links away from README.md.
Findings check_reach(const std::vector<Document>& documents);
// Each path of a source that a document names is there: "core/io/loop" is loop.hpp, .cpp or .py, or a folder.
Findings check_paths(const std::vector<Document>& documents, const std::set<std::string>& files);
// A section that a comment cites, as in: ARCHITECTURE.md, "Layers".
Findings check_citations(const Source& source, const std::vector<Document>& documents);

// R1: an await is a whole statement, a whole initialiser, or the operand of co_return.
Findings check_await_place(const Source& source);
// R2: no lambda in an await operand.
Findings check_await_operand(const Source& source);
// R3: no structured binding of an await.
Findings check_await_binding(const Source& source);
// R4: no lambda is a coroutine.
Findings check_lambda_coroutine(const Source& source);

}  // namespace tests::support::tidy

// The documents: their links, the paths that they name, and the sections that comments cite lead somewhere.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>

#include "tests/support/tidy.hpp"

namespace tests::support::tidy {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view first_page = "README.md";
constexpr int clicks_max = 2;
// What a document may leave out at the end of a path.
constexpr std::string_view endings[] = {"", ".hpp", ".cpp", ".py"};

// As GitHub makes an anchor of a heading: lower case, without punctuation, blanks become dashes.
std::string anchor_of(std::string_view heading) {
    std::string anchor;
    for (const char c : heading) {
        if (c == ' ') {
            anchor += '-';
        } else if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_') {
            anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        }
    }
    return anchor;
}

// The headings of a document, without their signs.
std::vector<std::string> headings_of(const std::string& text) {
    static const std::regex heading(R"((?:^|\n)#+ ([^\n]+))");
    std::vector<std::string> headings;
    for (auto found = std::sregex_iterator(text.begin(), text.end(), heading); found != std::sregex_iterator();
         ++found) {
        headings.push_back(found->str(1));
    }
    return headings;
}

const Document* find_document(const std::vector<Document>& documents, const std::string& path) {
    const auto found =
        std::find_if(documents.begin(), documents.end(), [&](const Document& each) { return each.path == path; });
    return found == documents.end() ? nullptr : &*found;
}

struct Link {
    std::string path;    // from the top of the tree
    std::string anchor;  // empty: none
    std::size_t at;
};

// The links of a document that lead into the tree.
std::vector<Link> links_of(const Document& document) {
    static const std::regex link(R"(\]\(([^)#\s]*)(?:#([^)\s]*))?\))");
    std::vector<Link> links;
    for (auto found = std::sregex_iterator(document.text.begin(), document.text.end(), link);
         found != std::sregex_iterator(); ++found) {
        const std::string target = found->str(1);
        if (target.find(':') != std::string::npos) {
            continue;  // elsewhere
        }
        const fs::path path =
            target.empty() ? fs::path(document.path) : (fs::path(document.path).parent_path() / target);
        std::string normal = path.lexically_normal().generic_string();
        if (normal.ends_with('/')) {
            normal.pop_back();
        }
        links.push_back({normal, found->str(2), static_cast<std::size_t>(found->position())});
    }
    return links;
}

std::string place(const Document& document, std::size_t at) {
    return document.path + ":" + std::to_string(line_of(document.text, at)) + ": ";
}

}  // namespace

std::vector<Document> read_documents(const std::string& root) {
    std::vector<Document> documents;
    for (const std::string& path : find_files(root)) {
        if (path.ends_with(".md")) {
            std::ifstream file(fs::path(root) / path);
            documents.push_back({path, {std::istreambuf_iterator<char>(file), {}}});
        }
    }
    return documents;
}

std::set<std::string> find_files(const std::string& root) {
    std::set<std::string> files;
    for (auto entry = fs::recursive_directory_iterator(root); entry != fs::recursive_directory_iterator(); ++entry) {
        const std::string name = entry->path().filename().string();
        if (entry->is_directory() && (name.starts_with('.') || name == "build")) {
            entry.disable_recursion_pending();
        } else {
            files.insert(entry->path().lexically_relative(root).generic_string());
        }
    }
    return files;
}

Findings check_links(const std::vector<Document>& documents, const std::set<std::string>& files) {
    Findings findings;
    for (const Document& document : documents) {
        for (const Link& link : links_of(document)) {
            if (!files.contains(link.path)) {
                findings.push_back(place(document, link.at) + "the link leads to no file: " + link.path);
                continue;
            }
            if (link.anchor.empty()) {
                continue;
            }
            const Document* target = find_document(documents, link.path);
            const std::vector<std::string> headings =
                target == nullptr ? std::vector<std::string>() : headings_of(target->text);
            if (std::none_of(headings.begin(), headings.end(),
                             [&](const std::string& heading) { return anchor_of(heading) == link.anchor; })) {
                findings.push_back(place(document, link.at) + link.path + " has no heading #" + link.anchor);
            }
        }
    }
    return findings;
}

Findings check_reach(const std::vector<Document>& documents) {
    std::map<std::string, int> clicks{{std::string(first_page), 0}};
    for (int click = 1; click <= clicks_max; ++click) {
        const std::map<std::string, int> before = clicks;
        for (const auto& [path, ignored] : before) {
            const Document* document = find_document(documents, path);
            for (const Link& link : document == nullptr ? std::vector<Link>() : links_of(*document)) {
                clicks.emplace(link.path, click);
            }
        }
    }
    Findings findings;
    for (const Document& document : documents) {
        if (document.path.starts_with("docs/") && !clicks.contains(document.path)) {
            findings.push_back(document.path + ":1: it is more than two links away from README.md");
        }
    }
    return findings;
}

Findings check_paths(const std::vector<Document>& documents, const std::set<std::string>& files) {
    // Names in lower case only: "netfilter/HelperTest.Name" is a test.
    static const std::regex name(R"((?:^|[^\w/.-])((?:core|netfilter|appliance|images|tests|bench|docs))"
                                 R"((?:/[a-z][a-z0-9_-]*(?:\.[a-z0-9]+)*)+)(?![\w*<{]))");
    Findings findings;
    for (const Document& document : documents) {
        if (document.path == "CHANGELOG.md") {
            continue;  // it tells of what was
        }
        for (auto found = std::sregex_iterator(document.text.begin(), document.text.end(), name);
             found != std::sregex_iterator(); ++found) {
            const std::string path = found->str(1);
            const bool known = std::any_of(std::begin(endings), std::end(endings), [&](std::string_view ending) {
                return files.contains(path + std::string(ending));
            });
            if (!known) {
                findings.push_back(place(document, static_cast<std::size_t>(found->position(1))) +
                                   "there is no such file: " + path);
            }
        }
    }
    return findings;
}

Findings check_citations(const Source& source, const std::vector<Document>& documents) {
    static const std::regex citation(R"(([\w/-]+\.md), "([^"\n]+)\")");
    Findings findings;
    for (auto found = std::sregex_iterator(source.text.begin(), source.text.end(), citation);
         found != std::sregex_iterator(); ++found) {
        const Document* document = find_document(documents, found->str(1));
        const std::vector<std::string> headings =
            document == nullptr ? std::vector<std::string>() : headings_of(document->text);
        if (std::find(headings.begin(), headings.end(), found->str(2)) == headings.end()) {
            findings.push_back(finding(source, line_of(source.text, static_cast<std::size_t>(found->position())),
                                       found->str(1) + " has no section '" + found->str(2) + "'"));
        }
    }
    return findings;
}

}  // namespace tests::support::tidy

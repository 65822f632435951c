#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/tidy.hpp"

namespace tests::support::tidy {
namespace {

bool in_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Walks over C++ text once and blanks what is not code.
class Blanker {
public:
    explicit Blanker(std::string text) : text_(std::move(text)) {}

    std::string run() {
        while (at_ < text_.size()) {
            step();
        }
        return std::move(text_);
    }

private:
    [[nodiscard]] bool starts(std::string_view what) const { return text_.compare(at_, what.size(), what) == 0; }
    [[nodiscard]] char before() const { return at_ == 0 ? '\n' : text_[at_ - 1]; }

    void step() {
        const char c = text_[at_];
        if (starts("//")) {
            blank_to(text_.find('\n', at_));
        } else if (starts("/*")) {
            blank_to(after("*/", at_ + 2));
        } else if (starts("R\"") && !in_word(before())) {
            const std::size_t open = text_.find('(', at_);
            blank_to(open == std::string::npos ? open
                                               : after(")" + text_.substr(at_ + 2, open - at_ - 2) + "\"", open));
        } else if (c == '"' || (c == '\'' && !in_word(before()))) {
            // A quote behind a letter or digit separates digits: 1'000.
            blank_to(end_of_literal(c));
        } else if (c == '#' && line_is_blank_before()) {
            blank_to(end_of_directive());
        } else {
            ++at_;
        }
    }

    [[nodiscard]] std::size_t after(const std::string& end, std::size_t from) const {
        const std::size_t found = text_.find(end, from);
        return found == std::string::npos ? found : found + end.size();
    }

    [[nodiscard]] std::size_t end_of_literal(char quote) const {
        std::size_t i = at_ + 1;
        while (i < text_.size() && text_[i] != quote && text_[i] != '\n') {
            i += text_[i] == '\\' ? 2 : 1;
        }
        return i + 1;
    }

    [[nodiscard]] bool line_is_blank_before() const {
        const std::size_t newline = at_ == 0 ? std::string::npos : text_.rfind('\n', at_ - 1);
        const std::size_t start = newline == std::string::npos ? 0 : newline + 1;
        return text_.find_first_not_of(' ', start) == at_;
    }

    [[nodiscard]] std::size_t end_of_directive() const {
        std::size_t end = text_.find('\n', at_);
        while (end != std::string::npos && text_[end - 1] == '\\') {
            end = text_.find('\n', end + 1);
        }
        return end;
    }

    void blank_to(std::size_t end) {
        end = std::min(end, text_.size());
        for (; at_ < end; ++at_) {
            if (text_[at_] != '\n') {
                text_[at_] = ' ';
            }
        }
    }

    std::string text_;
    std::size_t at_ = 0;
};

}  // namespace

Source make_source(std::string path, std::string text) {
    std::string code = Blanker(text).run();
    return {std::move(path), std::move(text), std::move(code)};
}

std::vector<Source> read_tree(const std::string& root) {
    namespace fs = std::filesystem;
    std::vector<Source> tree;
    for (const char* folder : {"core", "netfilter", "appliance", "images", "bench", "tests"}) {
        if (!fs::exists(fs::path(root) / folder)) {
            continue;
        }
        for (const auto& entry : fs::recursive_directory_iterator(fs::path(root) / folder)) {
            const auto extension = entry.path().extension();
            if (entry.is_regular_file() && (extension == ".cpp" || extension == ".hpp")) {
                std::ifstream file(entry.path());
                tree.push_back(make_source(fs::relative(entry.path(), root).string(),
                                           {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()}));
            }
        }
    }
    std::sort(tree.begin(), tree.end(), [](const Source& a, const Source& b) { return a.path < b.path; });
    return tree;
}

std::string room_of(std::string_view path) {
    return std::string(path.substr(0, path.rfind('/')));
}

bool is_product(std::string_view path) {
    return path.starts_with("core/") || path.starts_with("netfilter/") || path.starts_with("appliance/") ||
           path.starts_with("images/");
}

std::size_t line_of(std::string_view text, std::size_t at) {
    return 1 + static_cast<std::size_t>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

std::size_t closing(std::string_view code, std::size_t open) {
    const char left = code[open];
    const char right = left == '(' ? ')' : left == '[' ? ']' : '}';
    std::size_t depth = 0;
    for (std::size_t i = open; i < code.size(); ++i) {
        if (code[i] == left) {
            ++depth;
        } else if (code[i] == right && --depth == 0) {
            return i;
        }
    }
    return std::string_view::npos;
}

std::vector<std::size_t> find_word(std::string_view code, std::string_view word) {
    std::vector<std::size_t> places;
    for (std::size_t at = code.find(word); at != std::string_view::npos; at = code.find(word, at + word.size())) {
        const std::size_t end = at + word.size();
        if ((at == 0 || !in_word(code[at - 1])) && (end == code.size() || !in_word(code[end]))) {
            places.push_back(at);
        }
    }
    return places;
}

std::vector<Include> includes_of(const Source& source) {
    std::vector<Include> includes;
    std::string_view rest = source.text;
    for (std::size_t line = 1; !rest.empty(); ++line) {
        const std::string_view current = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(current.size() + 1, rest.size()));
        const std::size_t open = current.find_first_of("<\"");
        if (!current.starts_with("#include") || open == std::string_view::npos) {
            continue;
        }
        const std::size_t close = current.find_first_of(">\"", open + 1);
        includes.push_back({std::string(current.substr(open + 1, close - open - 1)), line});
    }
    return includes;
}

std::string finding(const Source& source, std::size_t line, std::string_view what) {
    return source.path + ":" + std::to_string(line) + ": " + std::string(what);
}

}  // namespace tests::support::tidy

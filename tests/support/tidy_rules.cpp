#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>

#include "tests/support/tidy.hpp"

namespace tests::support::tidy {
namespace {

constexpr std::size_t file_lines_max = 400;
constexpr std::size_t line_columns_max = 120;
constexpr std::size_t function_lines_max = 70;
constexpr auto npos = std::string_view::npos;

std::string_view trim(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \n");
    return first == npos ? std::string_view{} : text.substr(first, text.find_last_not_of(" \n") + 1 - first);
}

std::string_view first_word(std::string_view text) {
    return text.substr(0, text.find_first_of(" \n({:<"));
}

// Columns as a reader counts them: UTF-8 continuation bytes take none.
std::size_t columns(std::string_view line) {
    return static_cast<std::size_t>(std::count_if(
        line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

// First and last line of every raw string: in a test it holds data, and data is as wide as it is.
std::vector<std::pair<std::size_t, std::size_t>> raw_strings(const std::string& text) {
    std::vector<std::pair<std::size_t, std::size_t>> ranges;
    for (std::size_t at = text.find("R\""); at != std::string::npos; at = text.find("R\"", at + 1)) {
        const std::size_t open = text.find('(', at);
        if (open == std::string::npos || open - at > 18) {  // a delimiter has 16 characters at most
            continue;
        }
        const std::size_t end = text.find(")" + text.substr(at + 2, open - at - 2) + "\"", open);
        ranges.emplace_back(line_of(text, at), line_of(text, std::min(end, text.size())));
    }
    return ranges;
}

bool is_data(const std::vector<std::pair<std::size_t, std::size_t>>& ranges, std::size_t line) {
    return std::any_of(ranges.begin(), ranges.end(), [&](auto& r) { return r.first <= line && line <= r.second; });
}

// What stands before an opening brace, without template parameters and access labels.
std::string_view heading(std::string_view code, std::size_t start, std::size_t open) {
    std::string_view text = trim(code.substr(start, open - start));
    for (const std::string_view label : {"public:", "private:", "protected:"}) {
        if (text.starts_with(label)) {
            text = trim(text.substr(label.size()));
        }
    }
    while (text.starts_with("template")) {
        std::size_t at = text.find('<');
        for (int depth = 0; at < text.size(); ++at) {
            depth += text[at] == '<' ? 1 : text[at] == '>' ? -1 : 0;
            if (depth == 0) {
                break;
            }
        }
        text = trim(text.substr(std::min(at + 1, text.size())));
    }
    return text;
}

bool opens_scope(std::string_view heading) {
    constexpr std::array<std::string_view, 7> words{"namespace", "inline", "class", "struct",
                                                    "union",     "enum",   "extern"};
    const std::string_view word = first_word(heading);
    if (word == "inline") {
        return heading.starts_with("inline namespace");
    }
    return std::find(words.begin(), words.end(), word) != words.end();
}

void check_functions(const Source& source, Findings& findings) {
    const std::string_view code = source.code;
    std::size_t start = 0;  // behind the last statement or scope boundary
    for (std::size_t i = 0; i < code.size(); ++i) {
        if (code[i] == ';' || code[i] == '}') {
            start = i + 1;
        } else if (code[i] == '{') {
            const std::string_view head = heading(code, start, i);
            const std::size_t end = closing(code, i);
            if (opens_scope(head) || end == npos) {
                start = i + 1;
                continue;
            }
            const std::size_t first =
                line_of(code, head.empty() ? i : static_cast<std::size_t>(head.data() - code.data()));
            const std::size_t lines = line_of(code, end) + 1 - first;
            // A table is as long as what it lists.
            if (lines > function_lines_max && !head.ends_with('=') && !head.ends_with(']')) {
                findings.push_back(finding(source, first, "a function of " + std::to_string(lines) + " lines"));
            }
            i = end;
            start = end + 1;
        }
    }
}

std::string namespace_of(std::string_view room) {
    std::string name = "namespace ";
    // Their folders share one.
    for (const std::string_view shared :
         {"netfilter", "core/proxy", "appliance/boot", "appliance/cli", "appliance/config", "appliance/control",
          "appliance/deploy", "appliance/guard"}) {
        room = room.starts_with(std::string(shared) + "/") ? shared : room;
    }
    for (const char c : room) {
        name += c == '/' ? std::string("::") : std::string(1, c);
    }
    return name;
}

// Coroutine machinery names that the language itself prescribes.
bool is_prescribed(std::string_view name) {
    return name == "promise_type" || name == "value_type";
}

bool is_pascal_case(std::string_view name) {
    return std::isupper(static_cast<unsigned char>(name[0])) != 0 && name.find('_') == npos;
}

void check_types(const Source& source, Findings& findings) {
    const std::string_view code = source.code;
    for (const std::string_view word : {"class", "struct"}) {
        for (const std::size_t at : find_word(code, word)) {
            const std::string_view rest = trim(code.substr(at + word.size(), 200));
            const std::string_view name = first_word(rest);
            const std::string_view behind = trim(rest.substr(std::min(name.size(), rest.size())));
            const bool defined = behind.starts_with('{') || (behind.starts_with(':') && !behind.starts_with("::"));
            if (defined && !name.empty() && !is_prescribed(name) && !is_pascal_case(name)) {
                findings.push_back(
                    finding(source, line_of(code, at), "the type " + std::string(name) + " wants PascalCase"));
            }
        }
    }
}

}  // namespace

Findings check_lengths(const Source& source) {
    Findings findings;
    const auto data = is_product(source.path) ? decltype(raw_strings({})){} : raw_strings(source.text);
    std::size_t line = 0;
    for (std::string_view rest = source.text; !rest.empty();) {
        const std::string_view current = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(current.size() + 1, rest.size()));
        ++line;
        if (columns(current) > line_columns_max && !is_data(data, line)) {
            findings.push_back(finding(source, line, "a line of " + std::to_string(columns(current)) + " columns"));
        }
    }
    if (line > file_lines_max) {
        findings.push_back(finding(source, line, "a file of " + std::to_string(line) + " lines"));
    }
    check_functions(source, findings);
    return findings;
}

Findings check_names(const Source& source) {
    Findings findings;
    const std::string file = std::filesystem::path(source.path).filename().string();
    if (file.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.") != std::string::npos) {
        findings.push_back(finding(source, 1, "a file's name is snake_case"));
    }
    if (file.ends_with(".hpp") && source.text.find("#pragma once") == std::string::npos) {
        findings.push_back(finding(source, 1, "a header begins with #pragma once"));
    }
    check_types(source, findings);
    if (!is_product(source.path)) {
        return findings;
    }
    if (file != "main.cpp" && source.code.find(namespace_of(room_of(source.path))) == std::string::npos) {
        findings.push_back(finding(source, 1, "expected " + namespace_of(room_of(source.path))));
    }
    for (const std::size_t at : find_word(source.text, "define")) {
        if (at > 0 && source.text[at - 1] == '#' && !source.text.substr(at).starts_with("define VERIFY(")) {
            findings.push_back(finding(source, line_of(source.text, at), "no macro but VERIFY"));
        }
    }
    return findings;
}

Findings check_words(const Source& source) {
    Findings findings;
    // In two halves each, so that this file passes its own check.
    for (const std::string& note : {std::string("TO") + "DO", std::string("FIX") + "ME", std::string("XX") + "X"}) {
        for (const std::size_t at : find_word(source.text, note)) {
            findings.push_back(finding(source, line_of(source.text, at), "do it or open an issue: " + note));
        }
    }
    if (!is_product(source.path)) {
        return findings;
    }
    for (const std::string_view call : {"system", "popen", "wordexp", "execlp", "execvp", "posix_spawnp"}) {
        for (const std::size_t at : find_word(source.code, call)) {
            if (trim(std::string_view(source.code).substr(at + call.size(), 20)).starts_with('(')) {
                findings.push_back(finding(source, line_of(source.code, at), "no shell here: " + std::string(call)));
            }
        }
    }
    // What is nested without a bound ends the process when it is copied. The rooms that read it within bounds.
    const bool bounded = source.path.starts_with("appliance/base/") || source.path.starts_with("appliance/link/");
    for (const std::string_view type : {"json", "Json", "ordered_json", "Ordered"}) {
        for (const std::size_t at : find_word(source.code, type)) {
            if (!bounded && std::string_view(source.code).substr(at + type.size()).starts_with("::parse(")) {
                findings.push_back(finding(source, line_of(source.code, at), "read it by appliance/base/bounded_json"));
            }
        }
    }
    return findings;
}

}  // namespace tests::support::tidy

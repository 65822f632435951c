#include "appliance/config/file/tree.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>

namespace appliance::config {
namespace {

Position position(const toml::source_region& source) {
    return {source.begin.line, source.begin.column};
}

Node convert(const toml::node& from);

void convert_table(const toml::table& from, Node& node) {
    node.kind = Kind::table;
    for (const auto& [key, value] : from) {
        node.table.push_back({std::string(key.str()), position(key.source()), convert(value)});
    }
    // The library sorts by key; an operator thinks in the order of the file.
    std::stable_sort(node.table.begin(), node.table.end(),
                     [](const Entry& left, const Entry& right) { return left.at < right.at; });
}

Node convert(const toml::node& from) {
    Node node;
    node.at = position(from.source());
    if (const auto* text = from.as_string()) {
        node.kind = Kind::text;
        node.text = text->get();
    } else if (const auto* number = from.as_integer()) {
        node.kind = Kind::number;
        node.number = number->get();
    } else if (const auto* flag = from.as_boolean()) {
        node.kind = Kind::flag;
        node.flag = flag->get();
    } else if (const auto* list = from.as_array()) {
        node.kind = Kind::list;
        for (const auto& item : *list) {
            node.list.push_back(convert(item));
        }
    } else if (const auto* table = from.as_table()) {
        convert_table(*table, node);
    }
    return node;
}

// The library says "Error while parsing table header: cannot redefine existing table 'server.web1'".
Problem describe(const toml::parse_error& error, const std::string& file) {
    std::string what = printable(std::string(error.description()));
    if (what.starts_with("Error while parsing ")) {
        if (const auto colon = what.find(": "); colon != std::string::npos) {
            what.erase(0, colon + 2);
        }
    }
    const auto at = position(error.source());
    if (what.starts_with("cannot redefine")) {
        return {file, at.line, at.column, "duplicate name: " + what, "keep one of the two, or rename one"};
    }
    return {file, at.line, at.column, "not TOML: " + what, "mend the syntax (toml.io)"};
}

}  // namespace

std::string_view print(Kind kind) noexcept {
    switch (kind) {
        case Kind::text:
            return "a string";
        case Kind::number:
            return "a whole number";
        case Kind::flag:
            return "true or false";
        case Kind::list:
            return "a list";
        case Kind::table:
            return "a table";
        case Kind::other:
            break;
    }
    return "a date or fraction";
}

tl::expected<Node, Problem> read_tree(std::string_view text, const std::string& file) {
    try {
        return convert(toml::parse(text, file));
    } catch (const toml::parse_error& error) {
        return tl::unexpected(describe(error, file));
    }
}

}  // namespace appliance::config

#include "appliance/config/file/from_file.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "appliance/config/file/header.hpp"
#include "appliance/config/values/placeholder.hpp"

namespace appliance::config {

void FromFile::command(const char* key, std::string& value, const char* help) {
    text(key, value, help);
    if (const auto checked = check_placeholders(value); !checked) {
        section_.complain(key, checked.error().what, checked.error().mend);
    }
}

void FromFile::list(const char* key, std::vector<std::string>& value, const char* /*help*/) {
    const Entry* found = section_.find(key);
    if (found == nullptr) {
        return;
    }
    const auto& nodes = found->value.list;
    if (found->value.kind != Kind::list ||
        !std::all_of(nodes.begin(), nodes.end(), [](const Node& node) { return node.kind == Kind::text; })) {
        section_.complain(key, fmt::format("'{}' is no list of names", key), R"(write ["web1", "web2"])");
        return;
    }
    std::transform(nodes.begin(), nodes.end(), std::back_inserter(value), [](const Node& node) { return node.text; });
}

void FromFile::headers(const char* key, std::vector<std::string>& value, const char* /*help*/) {
    value = read_headers(section_, key, not_here_);
}

}  // namespace appliance::config

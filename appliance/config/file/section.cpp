#include "appliance/config/file/section.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "appliance/config/values/nearest.hpp"
#include "core/base/size.hpp"

namespace appliance::config {

Section::Section(const Node& table, Position at, std::string name, Report& report)
    : table_(table), at_(at), name_(std::move(name)), report_(report) {
    if (table.kind != Kind::table) {
        report_.add(table.at, fmt::format("{} is {}, not a table", name_, print(table.kind)), "write { key = value }");
    }
}

const Entry* Section::entry(std::string_view key) const {
    const auto found = std::find_if(table_.table.begin(), table_.table.end(),
                                    [key](const Entry& candidate) { return candidate.key == key; });
    return found == table_.table.end() ? nullptr : &*found;
}

const Entry* Section::find(std::string_view key) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
        known_.push_back(key);
        report_.add_key(name_, key);
    }
    return entry(key);
}

Position Section::at(std::string_view key) const {
    const Entry* found = entry(key);
    return found == nullptr ? at_ : found->value.at;
}

void Section::complain(std::string_view key, std::string_view what, std::string mend) {
    complain(at(key), key, what, std::move(mend));
}

void Section::complain(Position at, std::string_view key, std::string_view what, std::string mend) {
    report_.add(at, fmt::format("bad '{}' in {}: {}", key, name_, what), std::move(mend));
}

const Node* Section::typed(std::string_view key, Kind kind) {
    const Entry* found = find(key);
    if (found == nullptr) {
        return nullptr;
    }
    if (found->value.kind != kind) {
        complain(key, fmt::format("it is {}", print(found->value.kind)), fmt::format("write {}", print(kind)));
        return nullptr;
    }
    return &found->value;
}

std::string Section::text(std::string_view key, std::string fallback) {
    const Node* node = typed(key, Kind::text);
    if (node == nullptr) {
        return fallback;
    }
    // No name, path or host has a NUL or a line break: it would be cut or split further down.
    const bool control = std::any_of(node->text.begin(), node->text.end(),
                                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (node->text.empty() || control) {
        complain(key, node->text.empty() ? "it is empty" : "it holds a control character",
                 fmt::format("write a value or leave '{}' out", key));
        return fallback;
    }
    return node->text;
}

std::string Section::required_text(std::string_view key, std::string_view example) {
    if (find(key) == nullptr) {
        miss(fmt::format("'{}'", key), example);
        return {};
    }
    return text(key, {});
}

void Section::miss(std::string_view what, std::string_view example) {
    // Where there is no table at all, that was said already.
    if (table_.kind == Kind::table) {
        report_.add(at_, fmt::format("{} has no {}", name_, what), fmt::format("add {}", example));
    }
}

std::int64_t Section::number(std::string_view key, std::int64_t fallback, std::int64_t min, std::int64_t max) {
    const Node* node = typed(key, Kind::number);
    if (node == nullptr) {
        return fallback;
    }
    if (node->number < min || node->number > max) {
        complain(key, fmt::format("{} is out of range", node->number),
                 fmt::format("write a number from {} to {}", min, max));
        return fallback;
    }
    return node->number;
}

core::http::StatusSet Section::statuses(std::string_view key, const core::http::StatusSet& fallback) {
    using core::http::StatusSet;
    const Entry* entry = find(key);
    if (entry == nullptr) {
        return fallback;
    }
    const Node& value = entry->value;
    std::vector<std::string> members;
    for (const Node& node : value.kind == Kind::list ? value.list : std::vector<Node>{value}) {
        members.push_back(node.kind == Kind::text     ? node.text
                          : node.kind == Kind::number ? std::to_string(node.number)
                                                      : std::string(print(node.kind)));
    }
    if (auto read = StatusSet::parse(members)) {
        return *read;
    }
    complain(key, "it names no final statuses, each once",
             fmt::format("write a status from 200 to 599, a class such as \"2xx\", or a list of at most {}",
                         StatusSet::members_max));
    return fallback;
}

bool Section::flag(std::string_view key, bool fallback) {
    const Node* node = typed(key, Kind::flag);
    return node == nullptr ? fallback : node->flag;
}

std::string Section::with_unit(std::string_view key, std::string_view kind, std::string_view example) {
    const Entry* found = find(key);
    if (found == nullptr) {
        return {};
    }
    if (found->value.kind == Kind::number) {
        complain(key, fmt::format("{} has no unit", found->value.number),
                 fmt::format("write a {}, such as \"{}\"", kind, example));
        return {};
    }
    return text(key, {});
}

template <typename Value, typename Parse, typename Print>
Value Section::within(std::string_view key, std::string_view kind, Value fallback, Value min, Value max, Parse parse,
                      Print print) {
    const std::string value = with_unit(key, kind, print(fallback));
    if (value.empty()) {
        return fallback;
    }
    const auto parsed = parse(value);
    if (!parsed) {
        complain(key, parsed.error().what, parsed.error().mend);
        return fallback;
    }
    if (*parsed < min || *parsed > max) {
        complain(key, fmt::format("'{}' is out of range", value),
                 fmt::format("write a {} from {} to {}", kind, print(min), print(max)));
        return fallback;
    }
    return *parsed;
}

core::Milliseconds Section::duration(std::string_view key, core::Milliseconds fallback, core::Milliseconds min,
                                     core::Milliseconds max) {
    return within(key, "duration", fallback, min, max, core::base::parse_duration, core::base::print_duration);
}

std::uint64_t Section::size(std::string_view key, std::uint64_t fallback, std::uint64_t min, std::uint64_t max) {
    return within(key, "size", fallback, min, max, core::base::parse_size, core::base::print_size);
}

std::size_t Section::choose(std::string_view key, std::span<const std::string_view> names) {
    const auto value = text(key, {});
    if (value.empty()) {
        return names.size();
    }
    const auto found = std::find(names.begin(), names.end(), value);
    if (found == names.end()) {
        complain(key, fmt::format("'{}' is unknown", value), suggest(value, names, "values"));
    }
    return static_cast<std::size_t>(found - names.begin());
}

void Section::close() {
    for (const Entry& candidate : table_.table) {
        if (std::find(known_.begin(), known_.end(), candidate.key) == known_.end()) {
            report_.add(candidate.at, fmt::format("unknown key '{}' in {}", candidate.key, name_),
                        suggest(candidate.key, known_, "keys"));
        }
    }
}

}  // namespace appliance::config

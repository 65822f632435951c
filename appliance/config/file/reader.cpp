#include "appliance/config/file/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace appliance::config {
namespace {

const Node empty_table{.kind = Kind::table, .at = {}, .text = {}, .number = 0, .flag = false, .list = {}, .table = {}};

// Names go into commands, nftables comments and tables on a terminal: letters, digits, and what never needs quoting.
bool good_name(std::string_view name) {
    const auto letter = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
    return !name.empty() && name.size() <= Bounds::name_bytes && letter(name.front()) &&
           std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || c == '-' || c == '_' || c == '.'; });
}

}  // namespace

Reader::Reader(const Node& root, Config& config, Report& report)
    : root_(root, Position{1, 1}, "the file", report), config_(config), report_(report) {}

void Reader::read() {
    each("server", Bounds::servers, &Reader::read_server);
    each("pool", Bounds::pools, &Reader::read_pool);
    each("listen", Bounds::listeners, &Reader::read_listener);
    each("deploy", Bounds::recipes, &Reader::read_recipe);
    read_site();
    each("guard", Bounds::guards, &Reader::read_guard);
    read_firewall();
    each("access", Bounds::access, &Reader::read_access);
    read_control();
    read_maintenance();  // when it is known which files hold secrets
    read_proxy();
    read_timeouts();
    read_limits();
    root_.close();
}

void Reader::each(std::string_view key, std::size_t count_max, Named reader) {
    const Entry* found = root_.find(key);
    if (found == nullptr) {
        if (key == "listen") {
            report_.add({1, 1}, "nothing to listen on", "add [listen.NAME] with an address and a pool");
        }
        return;
    }
    const Node& tables = found->value;
    if (tables.kind != Kind::table) {
        report_.add(tables.at, fmt::format("'{}' is {}, not a table", key, print(tables.kind)),
                    fmt::format("write [{}.NAME]", key));
        return;
    }
    if (tables.table.size() > count_max) {
        report_.add(tables.table[count_max].at,
                    fmt::format("{} tables [{}.NAME] are too many", tables.table.size(), key),
                    fmt::format("at most {} are allowed", count_max));
    }
    for (const Entry& entry : tables.table) {
        Section section(entry.value, entry.at, fmt::format("[{}.{}]", key, entry.key), report_);
        if (!good_name(entry.key)) {
            report_.add(
                entry.at, fmt::format("bad name '{}'", entry.key),
                fmt::format("write at most {} letters, digits, '-', '_' or '.', beginning with a letter or digit",
                            Bounds::name_bytes));
        }
        (this->*reader)(entry.key, section);
        section.close();
    }
}

Section Reader::section(std::string_view key) {
    const Entry* found = root_.find(key);
    return found == nullptr ? Section(empty_table, {1, 1}, fmt::format("[{}]", key), report_)
                            : Section(found->value, found->at, fmt::format("[{}]", key), report_);
}

}  // namespace appliance::config

// [guard.NAME]: what may forbid a deploy.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "appliance/config/reader.hpp"
#include "appliance/config/text_file.hpp"
#include "appliance/config/words.hpp"

namespace appliance::config {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t secret_bytes = 4096;
constexpr std::size_t list_max = 64;

bool is_url(std::string_view text) {
    return text.starts_with("https://") || text.starts_with("http://");
}

// The texts of a list; what is none is complained of.
std::vector<std::string> read_list(Section& section, std::string_view key) {
    std::vector<std::string> texts;
    const Entry* found = section.find(key);
    if (found == nullptr) {
        return texts;
    }
    const auto& nodes = found->value.list;
    if (found->value.kind != Kind::list || nodes.empty() || nodes.size() > list_max ||
        !std::all_of(nodes.begin(), nodes.end(), [](const Node& node) { return node.kind == Kind::text; })) {
        section.complain(key, fmt::format("'{}' is no list of 1 to {} texts", key, list_max), "write [\"…\"]");
        return texts;
    }
    std::transform(nodes.begin(), nodes.end(), std::back_inserter(texts), [](const Node& node) { return node.text; });
    return texts;
}

template <typename Item, typename Parse>
std::vector<Item> read_items(Section& section, std::string_view key, Parse parse, std::string_view example) {
    std::vector<Item> items;
    for (const std::string& text : read_list(section, key)) {
        if (const auto item = parse(text)) {
            items.push_back(*item);
        } else {
            section.complain(key, fmt::format("'{}' is not understood", text), fmt::format("write \"{}\"", example));
        }
    }
    return items;
}

}  // namespace

void Reader::read_secret(Section& section, Guard& guard) {
    const auto text = section.required_text("secret_file", "secret_file = \"bbb.secret\"");
    if (text.empty()) {
        return;
    }
    const auto file = config_.file.parent_path() / text;
    struct stat entry {};
    if (::stat(file.c_str(), &entry) == 0 && (entry.st_mode & S_IROTH) != 0) {
        section.complain("secret_file", fmt::format("'{}' can be read by everybody", file.string()),
                         fmt::format("chmod o= {}", file.string()));
    }
    auto secret = read_text(file, secret_bytes);
    if (!secret) {
        section.complain("secret_file", secret.error().line(),
                         "put the shared secret there, for group gatehouse to read");
        return;
    }
    while (!secret->empty() && (secret->back() == '\n' || secret->back() == '\r' || secret->back() == ' ')) {
        secret->pop_back();
    }
    if (secret->empty()) {
        section.complain("secret_file", fmt::format("'{}' is empty", file.string()), "bbb-conf --secret prints it");
    }
    guard.secret = std::move(*secret);
}

void Reader::read_meetings(Section& section, Guard& guard) {
    guard.urls = read_list(section, "urls");
    if (section.find("urls") == nullptr) {
        section.miss("urls", R"(urls = ["https://bbb.example.org/bigbluebutton/api"])");
    }
    for (const std::string& url : guard.urls) {
        if (!is_url(url)) {
            section.complain("urls", fmt::format("'{}' is no URL", url), "begin with https://");
        }
    }
    read_secret(section, guard);
    guard.checksum = section.choice("checksum", guard.checksum, checksum_words);
    guard.empty = section.choice("empty", guard.empty, empty_meeting_words);
    guard.on_meeting = section.choice("on_meeting", guard.on_meeting, on_meeting_words);
}

void Reader::read_source(Section& section, Guard& guard) {
    guard.source = section.required_text("source", "source = \"https://calendar.example.org/meetings.ics\"");
    guard.margin = section.duration("margin", guard.margin, 0ms, 24h * 7);
    if (!guard.source.empty() && !is_url(guard.source)) {
        guard.source = (config_.file.parent_path() / guard.source).string();
    }
}

void Reader::read_windows(Section& section, Guard& guard) {
    guard.allow = read_items<Window>(section, "allow", parse_window, "Mon-Fri 06:00-08:00");
    guard.forbid = read_items<Window>(section, "forbid", parse_window, "Mon-Fri 06:00-08:00");
    guard.dates = read_items<Dates>(section, "dates", parse_dates, "2026-12-20..2027-01-06");
    if (section.find("allow") == nullptr && section.find("forbid") == nullptr && section.find("dates") == nullptr) {
        section.miss("windows", R"(allow = ["Mon-Fri 06:00-08:00"])");
    }
}

void Reader::read_guard(const std::string& name, Section& section) {
    Guard guard;
    guard.name = name;
    if (section.find("kind") == nullptr) {
        section.miss("kind", R"(kind = "windows", or bigbluebutton, or schedule)");
        return;
    }
    guard.kind = section.choice("kind", guard.kind, guard_kind_words);
    if (guard.kind == GuardKind::bigbluebutton) {
        read_meetings(section, guard);
    } else if (guard.kind == GuardKind::schedule) {
        read_source(section, guard);
    } else {
        read_windows(section, guard);
    }
    if (guard.kind != GuardKind::windows) {
        guard.timeout = section.duration("timeout", guard.timeout, 100ms, 5min);
        if (const auto file = section.text("ca_file", {}); !file.empty()) {
            guard.ca_file = config_.file.parent_path() / file;
            if (std::error_code error; !std::filesystem::exists(guard.ca_file, error)) {
                section.complain("ca_file", fmt::format("no file '{}'", guard.ca_file.string()),
                                 "write the path of the authority's certificate");
            }
        }
    }
    if (guard.kind != GuardKind::bigbluebutton) {
        guard.timezone = section.text("timezone", guard.timezone);
        const bool plain = guard.timezone.find("..") == std::string::npos && !guard.timezone.starts_with('/');
        const auto file = std::filesystem::path("/usr/share/zoneinfo") / guard.timezone;
        if (std::error_code error; !plain || !std::filesystem::is_regular_file(file, error)) {
            section.complain("timezone", fmt::format("no time zone '{}'", guard.timezone),
                             "write a name as Europe/Berlin; they are in the package tzdata");
        }
    }
    config_.guards.push_back(std::move(guard));
}

}  // namespace appliance::config

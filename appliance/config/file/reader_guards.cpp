// [guard.NAME]: what may forbid a deploy.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>

#include "appliance/config/file/reader.hpp"
#include "appliance/config/model/words.hpp"
#include "appliance/config/values/url.hpp"

namespace appliance::config {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t secret_bytes = 4096;
constexpr std::size_t list_max = 64;

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

// Nothing where the text is no URL, which is said; its secrets are not.
std::optional<Site> site_of(Section& section, std::string_view key, const std::string& text, const Site& login) {
    const auto url = parse_url(text);
    if (!url) {
        section.complain(key, fmt::format("'{}' is no URL that can be read", without_secrets(text)),
                         "begin with https://, http://, webcal:// or webcals://");
        return std::nullopt;
    }
    const bool own = !url->user.empty() || !url->password.empty();
    if (own && !login.user.empty()) {
        section.complain(key, fmt::format("'{}' names a user, and so does 'user'", url->origin()),
                         "take the user out of the URL");
    }
    return Site{url->text(), own ? url->user : login.user, own ? url->password : login.password};
}

// bbb-conf --secret prints the address of the installation, with a slash; its API is below.
void name_api(Section& section, Site& site) {
    if (site.url.find('?') != std::string::npos) {
        section.complain("urls", fmt::format("'{}' has a query", without_secrets(site.url)),
                         "write it as bbb-conf --secret prints it");
    }
    while (site.url.ends_with('/')) {
        site.url.pop_back();
    }
    site.url += site.url.ends_with("/bigbluebutton") ? "/api" : "";
}

}  // namespace

std::string Reader::read_secret_file(Section& section, std::string_view key, const std::string& name,
                                     std::string_view what) {
    const auto path = config_.file.parent_path() / name;
    auto file = read_named(config_.file.parent_path(), name, Reach::beneath, secret_bytes);
    if (!file) {
        section.complain(key, file.error().line(), fmt::format("put {} there, for group gatehouse to read", what));
        return {};
    }
    secrets_.push_back(file->identity);
    if ((file->mode & S_IROTH) != 0) {
        section.complain(key, fmt::format("'{}' can be read by everybody", path.string()),
                         fmt::format("chmod o= {}", path.string()));
    }
    std::string& secret = file->bytes;
    while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r' || secret.back() == ' ')) {
        secret.pop_back();
    }
    if (secret.empty()) {
        section.complain(key, fmt::format("'{}' is empty", path.string()), fmt::format("put {} there", what));
    }
    return std::move(secret);
}

// "user" and "password_file", which go together.
Site Reader::read_login(Section& section) {
    Site login;
    login.user = section.text("user", {});
    const std::string file = section.text("password_file", {});
    if (file.empty() != login.user.empty()) {
        section.complain(file.empty() ? "user" : "password_file", "'user' and 'password_file' go together",
                         "write both or none");
    } else if (!file.empty()) {
        login.password = read_secret_file(section, "password_file", file, "the password");
    }
    if (login.user.find(':') != std::string::npos) {
        section.complain("user", "'user' holds a colon", "write the name alone; Basic ends it at the first colon");
    }
    return login;
}

void Reader::read_secret(Section& section, Guard& guard) {
    const auto text = section.required_text("secret_file", "secret_file = \"bbb.secret\"");
    if (!text.empty()) {
        guard.secret =
            read_secret_file(section, "secret_file", text, "the shared secret, which bbb-conf --secret prints,");
    }
}

void Reader::read_meetings(Section& section, Guard& guard) {
    const Site login = read_login(section);
    if (section.find("urls") == nullptr) {
        section.miss("urls", R"(urls = ["https://bbb.example.org/bigbluebutton/api"])");
    }
    for (const std::string& text : read_list(section, "urls")) {
        if (auto site = site_of(section, "urls", text, login)) {
            name_api(section, *site);
            guard.urls.push_back(std::move(*site));
        }
    }
    read_secret(section, guard);
    guard.checksum = section.choice("checksum", guard.checksum, checksum_words);
    guard.empty = section.choice("empty", guard.empty, empty_meeting_words);
    guard.on_meeting = section.choice("on_meeting", guard.on_meeting, on_meeting_words);
}

void Reader::read_source(Section& section, Guard& guard) {
    const std::string text = section.required_text("source", "source = \"https://calendar.example.org/meetings.ics\"");
    const Site login = read_login(section);
    guard.margin = section.duration("margin", guard.margin, 0ms, 24h * 7);
    if (has_scheme(text)) {
        guard.source = site_of(section, "source", text, login).value_or(Site{});
    } else if (!text.empty()) {
        guard.source.url = (config_.file.parent_path() / text).string();
        if (const auto beneath = check_beneath(config_.file.parent_path(), text); !beneath) {
            section.complain("source", beneath.error().line(), "put the file beside this one");
        }
        if (!login.user.empty()) {
            section.complain("user", "a file needs no 'user'", "take 'user' and 'password_file' out");
        }
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
        read_timezone(section, guard.timezone);
    }
    config_.guards.push_back(std::move(guard));
}

}  // namespace appliance::config

// [maintenance], [fence], [control], [proxy], [timeouts], [limits] and [log]: how the appliance itself behaves.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "appliance/config/file/from_file.hpp"
#include "appliance/config/file/reader.hpp"
#include "appliance/config/model/fields.hpp"
#include "appliance/config/model/words.hpp"
#include "appliance/config/values/account.hpp"
#include "appliance/config/values/named_file.hpp"
#include "core/http/fields.hpp"

namespace appliance::config {
namespace {

using namespace std::chrono_literals;

// A page is a file that was written for visitors. A slip does not make a page of a key or a password list, nor does a
// person with rights to the configuration alone.
bool named_as_page(const std::string& name) {
    const auto ending = std::filesystem::path(name).extension();
    return ending == ".html" || ending == ".htm";
}

// The folder of the zones holds lists and tables too. As tzfile(5) has it: the version that all zones have since 2005.
bool is_zone_file(const std::filesystem::path& file) {
    std::error_code error;
    std::array<char, 5> head{};
    std::ifstream in;
    if (std::filesystem::is_regular_file(file, error)) {
        in.open(file, std::ios::binary);
    }
    return in.is_open() && in.read(head.data(), head.size()) && std::string_view(head.data(), 4) == "TZif" &&
           head[4] >= '2';
}

FileIdentity identity_of(const std::filesystem::path& file) {
    struct stat facts {};
    return ::stat(file.c_str(), &facts) == 0 ? FileIdentity{facts.st_dev, facts.st_ino} : FileIdentity{};
}

}  // namespace

void Reader::read_maintenance() {
    Section section = this->section("maintenance");
    read_page(section);
    auto& retry_after = config_.maintenance.retry_after;
    retry_after = section.duration("retry_after", retry_after, 1s, 24h * 30);
    read_timezone(section, config_.maintenance.timezone);
    read_bypass(section);
    section.close();
}

void Reader::read_timezone(Section& section, std::string& zone) {
    zone = section.text("timezone", zone);
    if (zone == "UTC") {
        return;  // known without the package too
    }
    const bool plain = zone.find("..") == std::string::npos && !zone.starts_with('/');
    const auto file = std::filesystem::path("/usr/share/zoneinfo") / zone;
    if (!plain || !is_zone_file(file)) {
        section.complain("timezone", fmt::format("no time zone '{}'", zone),
                         "write a name as Europe/Berlin; they are in the package tzdata");
    }
}

void Reader::read_bypass(Section& section) {
    section.networks("bypass", config_.maintenance.bypass);
    // The value is all that keeps visitors out, so it is written down, never empty.
    const auto refuse = [&](const char* key, const std::string& text, const char* mend) {
        section.complain(key, fmt::format("'{}' is none", text), mend);
    };
    std::string& cookie = config_.maintenance.bypass_cookie;
    cookie = section.text("bypass_cookie", {});
    const auto equals = cookie.find('=');
    const auto octet = [](unsigned char c) { return c > ' ' && c < 0x7f && c != ';' && c != ',' && c != '"'; };
    if (!cookie.empty() && (equals == std::string::npos || equals + 1 == cookie.size() ||
                            cookie.size() > Bounds::bypass_bytes || !std::all_of(cookie.begin(), cookie.end(), octet) ||
                            !core::http::valid_token(std::string_view(cookie).substr(0, equals)))) {
        refuse("bypass_cookie", cookie, "write \"preview=SECRET\", of at most 256 bytes without blanks, ; , or \"");
    }
    std::string& header = config_.maintenance.bypass_header;
    header = section.text("bypass_header", {});
    const auto colon = header.find(": ");
    const auto printable = [](unsigned char c) { return c >= ' ' && c < 0x7f; };
    if (!header.empty() &&
        (colon == std::string::npos || colon + 2 == header.size() || header[colon + 2] == ' ' || header.back() == ' ' ||
         header.size() > Bounds::bypass_bytes || !std::all_of(header.begin(), header.end(), printable) ||
         !core::http::valid_token(std::string_view(header).substr(0, colon)) ||
         core::http::classify(std::string_view(header).substr(0, colon)) != core::http::Known::other)) {
        refuse("bypass_header", header, "write \"X-Preview: SECRET\", a header of your own of at most 256 bytes");
    }
}

void Reader::read_page(Section& section) {
    const auto text = section.text("page", {});
    if (text.empty()) {
        return;
    }
    if (!named_as_page(text)) {
        section.complain("page", fmt::format("'{}' is no page's name", text), "name a file that ends in .html");
        return;
    }
    const auto page = config_.file.parent_path() / text;
    auto file = read_named(config_.file.parent_path(), text, Reach::beneath, Bounds::page_bytes);
    if (!file) {
        section.complain("page", file.error().line(), "write the page's path, relative to this file");
        return;
    }
    if (std::find(secrets_.begin(), secrets_.end(), file->identity) != secrets_.end() ||
        file->identity == identity_of(config_.file)) {
        section.complain("page", fmt::format("'{}' holds secrets, and visitors would read them", page.string()),
                         "write a page of its own");
        return;
    }
    if (file->bytes.empty()) {
        section.complain("page", fmt::format("'{}' is empty", page.string()), "write the page visitors shall see");
        return;
    }
    config_.maintenance.page = page;
    config_.maintenance.bytes = std::move(file->bytes);
}

void Reader::read_control() {
    Section fence = section("fence");
    config_.fence_mode = fence.choice("mode", config_.fence_mode, fence_mode_words);
    fence.close();

    Section control = section("control");
    auto& paths = config_.control;
    paths.socket = control.text("socket", paths.socket.string());
    paths.state = control.text("state", paths.state.string());
    if (!paths.socket.is_absolute() || paths.socket.string().size() > Bounds::socket_bytes) {
        control.complain("socket", fmt::format("'{}' is not a socket's path", paths.socket.string()),
                         fmt::format("write an absolute path of at most {} bytes", Bounds::socket_bytes));
    }
    if (!paths.state.is_absolute()) {
        control.complain("state", fmt::format("'{}' is not an absolute path", paths.state.string()),
                         "begin it with '/'");
    }
    read_remote(control);
    control.close();
}

void Reader::read_proxy() {
    Section section = this->section("proxy");
    auto& proxy = config_.proxy;
    proxy.workers = static_cast<unsigned>(section.number("workers", proxy.workers, 0, Bounds::workers));
    proxy.zero_copy = section.choice("zero_copy", proxy.zero_copy, zero_copy_words);
    proxy.drain = section.duration("drain", proxy.drain, 0ms, 24h);
    proxy.relay_drain = section.duration("relay_drain", proxy.drain, 0ms, 24h);
    if (proxy.relay_drain > proxy.drain) {
        section.complain("relay_drain", "it is longer than 'drain', which ends everything",
                         "make it shorter, or 'drain' longer");
    }
    const auto user = section.text("user", {});
    if (!user.empty()) {
        proxy.user = user;
        if (const auto sound = check_account(user); !sound) {
            const core::Error& error = sound.error();
            section.complain("user", error.why.empty() ? error.what : fmt::format("{}: {}", error.what, error.why),
                             error.mend);
        }
    }
    section.close();
}

void Reader::read_timeouts() {
    Section section = this->section("timeouts");
    each_field(config_.timeouts, FromFile(section));
    section.close();

    Section log = this->section("log");
    config_.log.exchanges = log.flag("exchanges", config_.log.exchanges);
    log.close();
}

void Reader::read_limits() {
    Section section = this->section("limits");
    Limits& limits = config_.limits;
    each_field(limits, FromFile(section));
    limits.head.request_line = std::min(limits.head.request_line, limits.head.head);
    limits.answer.request_line = std::min(limits.answer.request_line, limits.answer.head);
    section.close();
}

}  // namespace appliance::config

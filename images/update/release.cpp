#include "images/update/release.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/base/bounded_json.hpp"
#include "images/update/digest.hpp"

namespace images::update {
namespace {

using core::base::fail;
using core::base::Result;
using nlohmann::json;

constexpr std::string_view prefix = "gatehouse_";
constexpr std::array<std::string_view, 4> endings{".root.raw", ".verity.raw", ".efi", ".terms"};
constexpr std::size_t digest_size = 64;
constexpr std::size_t uuid_size = 36;
constexpr std::size_t version_max = 32;

bool is_hexadecimal(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

// The version in "gatehouse_2.efi" and in "gatehouse_2_UUID.root.raw"; empty where the name is none of an update.
std::string_view version_in(std::string_view name, std::string_view ending) noexcept {
    if (!name.starts_with(prefix) || !name.ends_with(ending)) {
        return {};
    }
    name.remove_prefix(prefix.size());
    name.remove_suffix(ending.size());
    if (ending.ends_with(".raw")) {
        const auto mark = name.find('_');
        const std::string_view uuid = mark == std::string_view::npos ? std::string_view() : name.substr(mark + 1);
        const bool good = uuid.size() == uuid_size &&
                          std::all_of(uuid.begin(), uuid.end(), [](char c) { return is_hexadecimal(c) || c == '-'; });
        return good && is_version(name.substr(0, mark)) ? name.substr(0, mark) : std::string_view();
    }
    return is_version(name) ? name : std::string_view();
}

// By its ending.
File& file_of(Release& release, std::size_t kind) {
    return kind < release.files.size() ? release.files[kind] : release.terms;
}

Result<void> take(Release& release, std::string_view line) {
    const std::string_view digest = line.substr(0, digest_size);
    if (line.size() < digest_size + 3 || !std::all_of(digest.begin(), digest.end(), is_hexadecimal) ||
        line.substr(digest_size, 2) != "  ") {
        return fail(fmt::format("SHA256SUMS has the line '{:.80}'", line), "it is no checksum with its file",
                    "offer the folder that ./dev image has made");
    }
    const std::string_view name = line.substr(digest_size + 2);
    for (std::size_t kind = 0; kind < endings.size(); ++kind) {
        const std::string_view version = version_in(name, endings[kind]);
        if (version.empty()) {
            continue;
        }
        if (!release.version.empty() && release.version != version) {
            return fail(fmt::format("the update has files of {} and of {}", release.version, version), "",
                        "offer one version in a folder");
        }
        File& file = file_of(release, kind);
        if (!file.name.empty()) {
            return fail(fmt::format("the update has two {} files", endings[kind].substr(1)), "",
                        "offer one version in a folder");
        }
        release.version = version;
        file = {std::string(name), std::string(digest), 0};
    }
    return {};
}

}  // namespace

std::string running_version(const std::filesystem::path& os_release) {
    constexpr std::string_view key = "IMAGE_VERSION=";
    std::ifstream in(os_release);
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with(key)) {
            std::erase(line, '"');
            return line.substr(key.size());
        }
    }
    return "?";
}

bool is_version(std::string_view text) noexcept {
    return !text.empty() && text.size() <= version_max && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '~' ||
               c == '^' || c == '-';
    });
}

bool is_newer(const std::string& version, const std::string& than) noexcept {
    return ::strverscmp(version.c_str(), than.c_str()) > 0;
}

Result<Release> parse_release(std::string_view sums) {
    Release release;
    while (!sums.empty()) {
        const auto end = sums.find('\n');
        const std::string_view line = sums.substr(0, end);
        sums = end == std::string_view::npos ? std::string_view() : sums.substr(end + 1);
        if (line.empty()) {
            continue;
        }
        if (auto taken = take(release, line); !taken) {
            return tl::unexpected(taken.error());
        }
    }
    for (std::size_t kind = 0; kind < endings.size(); ++kind) {
        if (file_of(release, kind).name.empty()) {
            return fail(fmt::format("the update has no {} file", endings[kind].substr(1)), "",
                        "offer the folder that ./dev image has made");
        }
    }
    return release;
}

Result<void> take_terms(std::string_view text, Release& release) {
    constexpr const char* mend = "offer the folder that ./dev image has made";
    const auto refuse = [&release](std::string why) {
        return fail(fmt::format("cannot use {}", release.terms.name), std::move(why), mend);
    };
    if (sha256_of(text) != release.terms.sha256) {
        return refuse("it is not what SHA256SUMS says");
    }
    const auto terms = appliance::base::parse_json(text);
    if (!terms.is_object() || terms.value("version", json()) != release.version) {
        return refuse("it is not of version " + release.version);
    }
    const json expires = terms.value("expires", json());
    const auto time = expires.is_string() ? core::base::parse_time(expires.get<std::string>())
                                          : Result<core::WallTime>(fail("no time"));
    if (!time) {
        return refuse("it does not say until when the update may be installed");
    }
    const json sizes = terms.value("sizes", json());
    for (File& file : release.files) {
        const json size = sizes.is_object() ? sizes.value(file.name, json()) : json();
        if (!size.is_number_unsigned() || size == 0U || size > file_size_max) {
            return refuse(fmt::format("it does not say how many bytes {} has, or none that can be", file.name));
        }
        file.size = size.get<std::uint64_t>();
    }
    release.expires = *time;
    return {};
}

Result<void> check_fresh(const Release& release, const std::string& running, core::WallTime now) {
    if (!is_newer(release.version, running)) {
        return fail(fmt::format("version {} is not newer than {}, which runs", release.version, running), "",
                    "offer a newer one; the one before comes back with gatehouse update rollback");
    }
    if (now >= release.expires) {
        return fail(fmt::format("version {} may not be installed any more", release.version),
                    fmt::format("it has expired at {}, and it is {} here", core::base::print_time(release.expires),
                                core::base::print_time(now)),
                    "offer one that ./dev image has made since; if the time is wrong, see to the machine's clock");
    }
    return {};
}

Result<void> check_room(const Release& release, std::uint64_t available) {
    std::uint64_t needed = room_kept;
    for (const File& file : release.files) {
        needed += file.size;
    }
    if (needed <= available) {
        return {};
    }
    return fail(fmt::format("cannot fetch version {}", release.version),
                fmt::format("its files have {} bytes, and the data partition has {} free, of which {} are kept",
                            needed - room_kept, available, room_kept),
                "give the machine a larger disk");
}

}  // namespace images::update

#include "images/update/release.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <fstream>

namespace images::update {
namespace {

using core::base::fail;
using core::base::Result;

constexpr std::string_view prefix = "gatehouse_";
constexpr std::array<std::string_view, 3> endings{".root.raw", ".verity.raw", ".efi"};
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
    if (ending != ".efi") {
        const auto mark = name.find('_');
        const std::string_view uuid = mark == std::string_view::npos ? std::string_view() : name.substr(mark + 1);
        const bool good = uuid.size() == uuid_size &&
                          std::all_of(uuid.begin(), uuid.end(), [](char c) { return is_hexadecimal(c) || c == '-'; });
        return good && is_version(name.substr(0, mark)) ? name.substr(0, mark) : std::string_view();
    }
    return is_version(name) ? name : std::string_view();
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
        if (!release.files[kind].name.empty()) {
            return fail(fmt::format("the update has two {} files", endings[kind].substr(1)), "",
                        "offer one version in a folder");
        }
        release.version = version;
        release.files[kind] = {std::string(name), std::string(digest)};
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
        if (release.files[kind].name.empty()) {
            return fail(fmt::format("the update has no {} file", endings[kind].substr(1)), "",
                        "offer the folder that ./dev image has made");
        }
    }
    return release;
}

}  // namespace images::update

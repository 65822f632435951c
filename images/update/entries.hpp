// Entries: the kernel images on the EFI system partition, with the tries that systemd-boot counts in their names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace images::update {

struct Entry {
    std::string version;
    std::optional<unsigned> tries_left;  // nothing: it has served, and tries are not counted any more

    // All tries have failed; systemd-boot takes it only where there is no other.
    [[nodiscard]] bool given_up() const noexcept { return tries_left == 0U; }
};

// "gatehouse_2.efi", "gatehouse_2+3.efi", "gatehouse_2+2-1.efi"; nothing for any other name.
std::optional<Entry> parse_entry(std::string_view file_name);

// The name under which systemd-boot takes this version last.
std::string given_up_name(const std::string& version);

}  // namespace images::update

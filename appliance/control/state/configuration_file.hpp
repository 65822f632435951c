// ConfigurationFile: the file that the daemon runs with, and the one before it, which is kept beside it
// (PATH.previous). It puts another text in the file's place. A reader, or a start after a power cut, finds one of the
// two whole. The Reloader owns it; one change at a time.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace appliance::control {

class ConfigurationFile {
public:
    explicit ConfigurationFile(std::filesystem::path path);

    // Errors of both: it cannot be read, or is larger than a configuration may be.
    [[nodiscard]] core::Result<std::string> text() const;
    // Nothing where there is none.
    [[nodiscard]] core::Result<std::optional<std::string>> previous() const;

    // Puts the text into the place of the file, with its mode and group, on the disk when it returns. The old file is
    // set aside until keep() or take_back(). Error: nothing has changed, and what has to be done about it.
    core::Result<void> replace(std::string_view text);
    // Whether replace() could write there. Error: as there.
    [[nodiscard]] core::Result<void> try_writing() const;
    // What is set aside is the previous one from now on.
    core::Result<void> keep();
    // What is set aside is back in its place; the previous one is what it was.
    core::Result<void> take_back();
    // Ends what a process before this one could not end: keeps what it set aside, if it had replaced the file.
    void recover();

    // Where the file lies; "." for a bare name.
    static std::filesystem::path folder_of(const std::filesystem::path& file);

private:
    [[nodiscard]] core::Result<void> rename(const std::filesystem::path& from, const std::filesystem::path& to) const;

    std::filesystem::path path_;
    std::filesystem::path previous_;
    std::filesystem::path fresh_;  // a text that is not in its place yet
    std::filesystem::path aside_;
};

}  // namespace appliance::control

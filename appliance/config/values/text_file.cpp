#include "appliance/config/values/text_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace appliance::config {

core::Result<std::string> read_text(const std::filesystem::path& path, std::size_t size_max) {
    const auto what = fmt::format("cannot read '{}'", path.string());
    // O_NONBLOCK: opening a pipe without a writer must not hang a start or a reload.
    const core::base::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!file.valid()) {
        return core::fail_os(what, errno);
    }
    return read_text(file, what, size_max);
}

core::Result<std::string> read_text(const core::base::Descriptor& file, const std::string& what, std::size_t size_max) {
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) {
        return core::fail_os(what, errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return core::fail(what, "it is not a file");
    }
    // One byte more than allowed, because the file may grow after fstat has looked.
    std::string bytes(size_max + 1, '\0');
    std::size_t filled = 0;
    while (filled < bytes.size()) {
        const ssize_t count = ::read(file.get(), bytes.data() + filled, bytes.size() - filled);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return core::fail_os(what, errno);
        }
        if (count == 0) {
            break;
        }
        filled += static_cast<std::size_t>(count);
    }
    if (filled > size_max) {
        return core::fail(what, fmt::format("it holds more than {} KiB", size_max / 1024));
    }
    bytes.resize(filled);
    return bytes;
}

}  // namespace appliance::config

#include "appliance/cli/terminal/new_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/base/descriptor.hpp"

namespace appliance::cli {

core::Result<void> write_new_file(const std::string& file, std::string_view text, std::string mend) {
    const core::base::Descriptor fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    bool good = fd.valid();
    while (good && !text.empty()) {
        const ssize_t count = ::write(fd.get(), text.data(), text.size());
        good = count >= 0 || errno == EINTR;
        text.remove_prefix(count < 0 ? 0 : static_cast<std::size_t>(count));
    }
    if (!good || ::fsync(fd.get()) != 0) {
        return core::fail_os("cannot write " + file, errno, std::move(mend));
    }
    return {};
}

}  // namespace appliance::cli

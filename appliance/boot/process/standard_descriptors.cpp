#include "appliance/boot/process/standard_descriptors.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

#include "core/base/result.hpp"

namespace appliance::boot {

void open_standard_descriptors() {
    for (const int wanted : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(wanted, F_GETFD) >= 0) {
            continue;
        }
        // The kernel gives the lowest free number, and those below are open by now. Not close-on-exec: children and the
        // program after an upgrade need them too.
        if (::open("/dev/null", O_RDWR) != wanted) {
            throw std::runtime_error(core::fail_os("cannot open /dev/null in place of a closed standard descriptor",
                                                   errno, "start gatehouse with descriptors 0, 1 and 2 open")
                                         .value()
                                         .line());
        }
    }
}

}  // namespace appliance::boot

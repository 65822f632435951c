#include "appliance/boot/process/failure.hpp"

#include <new>
#include <system_error>

namespace appliance::boot {

std::string print_failure(const std::exception& error) {
    const auto* system = dynamic_cast<const std::system_error*>(&error);
    if (system != nullptr && system->code() == std::errc::resource_unavailable_try_again) {
        // The standard library throws this one only for threads.
        return "cannot make a thread: " + system->code().message() +
               "; raise the limit of tasks: TasksMax= in the unit, ulimit -u in a shell, --pids-limit of a container";
    }
    if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
        return "out of memory; raise MemoryMax= in the unit, ulimit -v in a shell, --memory of a container";
    }
    return error.what();
}

}  // namespace appliance::boot

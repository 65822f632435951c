// The calling thread's name in `ps -L`, `top -H` and a core file. Each thread names itself: naming another one means
// writing to /proc, which a confined process may not.
#pragma once

#include <sys/prctl.h>

#include <string>

namespace core::base {

// At most 15 bytes are kept. The first thread's name is the process's.
inline void name_thread(const std::string& name) noexcept {
    ::prctl(PR_SET_NAME, name.c_str());
}

}  // namespace core::base

// What the calling thread is called in `ps -L`, `top -H` and a core file. By the thread itself: to name another one
// means writing to /proc, which a confined process may not.
#pragma once

#include <sys/prctl.h>

#include <string>

namespace core::base {

// At most 15 bytes are kept. A process is called as its first thread.
inline void name_thread(const std::string& name) noexcept {
    ::prctl(PR_SET_NAME, name.c_str());
}

}  // namespace core::base

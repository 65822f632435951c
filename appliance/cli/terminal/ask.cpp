#include "appliance/cli/terminal/ask.hpp"

#include <unistd.h>

#include <array>
#include <cstdio>

namespace appliance::cli {

bool somebody_looks() {
    return ::isatty(STDIN_FILENO) != 0 && ::isatty(STDERR_FILENO) != 0;
}

bool agreed() {
    std::fputs("Go on? [y/N] ", stderr);
    std::array<char, 16> line{};
    const bool read = std::fgets(line.data(), line.size(), stdin) != nullptr;
    return read && (line[0] == 'y' || line[0] == 'Y');
}

}  // namespace appliance::cli

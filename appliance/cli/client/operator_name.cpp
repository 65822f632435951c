#include "appliance/cli/client/operator_name.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

namespace appliance::cli {

std::string operator_name() {
    for (const char* name : {"SUDO_USER", "USER"}) {
        const char* value = std::getenv(name);
        if (value != nullptr && *value != '\0') {
            return value;
        }
    }
    // A job of cron or systemd has neither.
    const passwd* entry = getpwuid(getuid());
    return entry == nullptr ? std::string() : std::string(entry->pw_name);
}

}  // namespace appliance::cli

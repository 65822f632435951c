#include "appliance/config/values/account.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <sstream>
#include <vector>

namespace appliance::config {
namespace {

std::set<std::string> read_shells() {
    std::set<std::string> shells;
    std::ifstream in("/etc/shells");
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with('/')) {
            shells.insert(line.substr(0, line.find_last_not_of(" \t\r") + 1));
        }
    }
    return shells;
}

uid_t read_uid_min(uid_t usual) {
    std::ifstream in("/etc/login.defs");
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        std::string key;
        uid_t value = 0;
        if (words >> key >> value && key == "UID_MIN") {
            return value;
        }
    }
    return usual;
}

std::string how_to_make(const std::string& name) {
    return fmt::format("create it with: useradd --system {}", name);
}

}  // namespace

core::Result<void> judge_account(const AccountFacts& facts) {
    const std::string mend = "name one of their own: useradd --system gatehouse, user = \"gatehouse\"";
    if (facts.uid == 0) {
        return core::fail(fmt::format("the processes may not run as '{}'", facts.name),
                          facts.name == "root" ? "it is root" : "it is root under another name (uid 0)", mend);
    }
    const bool itself = facts.asker != 0 && facts.asker == facts.uid;
    if (!itself && facts.uid >= facts.uid_min && facts.shells.contains(facts.shell.empty() ? "/bin/sh" : facts.shell)) {
        return core::fail(fmt::format("the processes may not run as '{}'", facts.name),
                          "it is a person's account (it may log in)", mend);
    }
    return {};
}

core::Result<void> check_account(const std::string& name) {
    // 16 KiB is what glibc suggests for any entry; a longer one counts as missing rather than growing without bound.
    std::vector<char> buffer(16384);
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
        return core::fail(fmt::format("there is no user '{}'", name), "", how_to_make(name));
    }
    AccountFacts facts{name, entry.pw_uid, entry.pw_shell == nullptr ? "" : entry.pw_shell};
    facts.shells = read_shells();
    facts.uid_min = read_uid_min(facts.uid_min);
    facts.asker = ::geteuid();
    return judge_account(facts);
}

}  // namespace appliance::config

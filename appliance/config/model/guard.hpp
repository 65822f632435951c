// Guard: something that may forbid a deploy, from [guard.NAME].
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "appliance/config/values/window.hpp"
#include "core/base/duration.hpp"

namespace appliance::config {

enum class GuardKind : std::uint8_t { bigbluebutton, schedule, windows };
enum class Checksum : std::uint8_t { sha1, sha256, sha384, sha512 };
// What a meeting without participants counts as.
enum class EmptyMeeting : std::uint8_t { ignore, count };
enum class OnMeeting : std::uint8_t { block, warn };

// Where something is read, and as which user.
struct Site {
    std::string url;       // "https://bbb.example.org/bigbluebutton/api", without user and password; or a file's path
    std::string user;      // for Basic; empty: none
    std::string password;  // not in any message

    friend bool operator==(const Site&, const Site&) = default;
};

struct Guard {
    std::string name;
    GuardKind kind = GuardKind::windows;

    // bigbluebutton
    std::vector<Site> urls;  // of the API; at least one
    std::string secret;      // what secret_file held; not in any message
    Checksum checksum = Checksum::sha256;
    EmptyMeeting empty = EmptyMeeting::ignore;
    OnMeeting on_meeting = OnMeeting::block;

    // schedule
    Site source;                           // a URL, or a file
    core::Milliseconds margin{3'600'000};  // before and after each meeting

    // windows; nothing allowed means: always
    std::vector<Window> allow;
    std::vector<Window> forbid;
    std::vector<Dates> dates;  // forbidden too

    // of URLs
    core::Milliseconds timeout{10'000};
    std::filesystem::path ca_file;  // empty: the system's authorities

    std::string timezone = "UTC";  // of windows, and of meetings that name none

    friend bool operator==(const Guard&, const Guard&) = default;
};

}  // namespace appliance::config

// The daemon's events, as they come and as a line for a terminal. Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "appliance/cli/terminal/style.hpp"

namespace appliance::cli {

// Takes server-sent events in pieces of any size.
class EventReader {
public:
    // Gives each event's kind and data to take, as soon as it is whole; comments are left out. False when take does
    // not want more.
    bool read(std::string_view bytes,
              const std::function<bool(const std::string& kind, const std::string& data)>& take);

private:
    std::string rest_;  // of a line
    std::string kind_;
    std::string data_;
};

// "2026-11-22 14:03:05  health  pool app, backend web1, state up, why 200", of one line of the log. Times are UTC, as
// in the log.
std::string show_event(const std::string& line, const Style& style);

}  // namespace appliance::cli

// An event of a calendar, as tests write it.
#pragma once

#include <string>

namespace appliance::guard {

// `lines` say when it is; each ends in CR LF.
inline std::string event(const std::string& lines) {
    return "BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Board\r\n" + lines + "END:VEVENT\r\n";
}

}  // namespace appliance::guard

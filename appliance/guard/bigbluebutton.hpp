// What BigBlueButton's API says about running meetings (docs.bigbluebutton.org/development/api). Pure. OpenSSL stays
// behind bigbluebutton.cpp.
#pragma once

#include <cstddef>
#include <string>

#include "appliance/config/model/guard.hpp"
#include "core/base/result.hpp"

namespace appliance::guard {

// The path and query of a getMeetings request below the API's own path: "/getMeetings?checksum=...".
std::string meetings_query(const std::string& secret, config::Checksum checksum);

struct Meetings {
    std::size_t running = 0;  // with participants
    std::size_t empty = 0;    // created, without participants
    std::size_t participants = 0;
};

// Reads the answer. Errors: not XML, no answer of BigBlueButton's, FAILED with its own words, a meeting without
// participantCount, or with two.
core::Result<Meetings> read_meetings(const std::string& xml);

}  // namespace appliance::guard

// Answers of BigBlueButton, as its documentation has them.
#pragma once

#include <string>

namespace appliance::guard {

inline constexpr const char* no_meetings =
    "<response><returncode>SUCCESS</returncode><meetings/><messageKey>noMeetings</messageKey>"
    "<message>no meetings were found on this server</message></response>";
inline constexpr const char* failed =
    "<response><returncode>FAILED</returncode><messageKey>checksumError</messageKey>"
    "<message>Checksums do not match</message></response>";

inline std::string meeting(unsigned participants, const std::string& metadata = {}) {
    return "<meeting><meetingName>Physics</meetingName><meetingID>p1</meetingID><running>true</running>"
           "<hasUserJoined>true</hasUserJoined><participantCount>" +
           std::to_string(participants) + "</participantCount><attendees/><metadata>" + metadata +
           "</metadata></meeting>";
}

inline std::string with(const std::string& meetings) {
    return "<response><returncode>SUCCESS</returncode><meetings>" + meetings + "</meetings></response>";
}

}  // namespace appliance::guard

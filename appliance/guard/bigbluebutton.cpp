#include "appliance/guard/bigbluebutton.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <pugixml.hpp>

namespace appliance::guard {
namespace {

std::string hex_digest(const EVP_MD* kind, const std::string& text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    ::EVP_Digest(text.data(), text.size(), digest.data(), &size, kind, nullptr);
    std::string hex;
    for (unsigned i = 0; i < size; ++i) {
        hex += fmt::format("{:02x}", digest.at(i));
    }
    return hex;
}

const EVP_MD* kind_of(config::Checksum checksum) {
    switch (checksum) {
        case config::Checksum::sha1:
            return ::EVP_sha1();
        case config::Checksum::sha256:
            return ::EVP_sha256();
        case config::Checksum::sha384:
            return ::EVP_sha384();
        case config::Checksum::sha512:
            return ::EVP_sha512();
    }
    return ::EVP_sha256();
}

// Whoever creates a meeting may give its metadata any names, and BigBlueButton makes elements of them, also of names
// that no XML element can have.
std::string without_metadata(std::string xml) {
    constexpr std::string_view open = "<metadata>";
    constexpr std::string_view close = "</metadata>";
    for (auto begin = xml.find(open); begin != std::string::npos; begin = xml.find(open, begin)) {
        const auto end = xml.find(close, begin);
        if (end == std::string::npos) {
            break;
        }
        xml.erase(begin, end + close.size() - begin);
    }
    return xml;
}

}  // namespace

std::string meetings_query(const std::string& secret, config::Checksum checksum) {
    return "/getMeetings?checksum=" + hex_digest(kind_of(checksum), "getMeetings" + secret);
}

core::Result<Meetings> read_meetings(const std::string& xml) {
    pugi::xml_document document;
    if (const auto parsed = document.load_string(without_metadata(xml).c_str()); !parsed) {
        return core::fail("the answer is not XML", parsed.description());
    }
    const pugi::xml_node response = document.child("response");
    const std::string code = response.child_value("returncode");
    if (code == "FAILED") {
        return core::fail("the server refuses",
                          fmt::format("{}: {}", response.child_value("messageKey"), response.child_value("message")),
                          "look at secret_file and checksum");
    }
    const pugi::xml_node list = response.child("meetings");
    if (code != "SUCCESS" || (!list && std::string(response.child_value("messageKey")) != "noMeetings")) {
        return core::fail("the answer is none of BigBlueButton's", code.empty() ? "no returncode" : "no meetings");
    }
    Meetings meetings;
    for (const pugi::xml_node meeting : list.children("meeting")) {
        const pugi::xml_node count = meeting.child("participantCount");
        const int participants = count.text().as_int(-1);
        if (participants < 0) {
            return core::fail("the answer is none of BigBlueButton's", "a meeting without participantCount");
        }
        meetings.participants += static_cast<std::size_t>(participants);
        ++(participants > 0 ? meetings.running : meetings.empty);
    }
    return meetings;
}

}  // namespace appliance::guard

#include "appliance/guard/bigbluebutton.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <vector>

#include "appliance/guard/calendar/span.hpp"
#include "appliance/guard/markup.hpp"

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

// What the answer holds, element by element. Strict: an element that ends as another than it began could hide a
// meeting.
class MeetingsReader {
public:
    core::Result<Meetings> read(std::string_view xml) {
        Markup markup(xml);
        for (;;) {
            const Markup::Token token = markup.next();
            switch (token.kind) {
                case Markup::Kind::begin:
                    path_.push_back(token.text);
                    begin();
                    break;
                case Markup::Kind::end:
                    end(token.text);
                    break;
                case Markup::Kind::text:
                    text(token.text);
                    break;
                case Markup::Kind::broken:
                    return core::fail("the answer is not XML", "it is cut off");
                case Markup::Kind::finish:
                    return finish();
            }
            if (path_.size() > depth_max || !wrong_.empty()) {
                return core::fail("the answer is none of BigBlueButton's",
                                  wrong_.empty() ? "its elements are nested too deep" : wrong_);
            }
        }
    }

private:
    static constexpr std::size_t depth_max = 32;

    // Whether the open elements are response and these.
    [[nodiscard]] bool at(std::initializer_list<std::string_view> names) const {
        return path_.size() == names.size() + 1 && path_.front() == "response" &&
               std::equal(names.begin(), names.end(), path_.begin() + 1);
    }

    void begin() {
        listed_ = listed_ || at({"meetings"});
        const bool in_list = path_.size() == 3 && path_.front() == "response" && path_[1] == "meetings";
        if (in_list && path_.back() != "meeting") {
            wrong_ = fmt::format("among its meetings is {}", brief(path_.back()));
        } else if (in_list) {
            counts_ = 0;
        } else if (at({"meetings", "meeting", "participantCount"})) {
            ++counts_;
            count_.clear();
        }
    }

    void text(const std::string& said) {
        if (at({"returncode"})) {
            code_ += said;
        } else if (at({"messageKey"})) {
            key_ += said;
        } else if (at({"message"})) {
            message_ += said;
        } else if (at({"meetings", "meeting", "participantCount"})) {
            count_ += said;
        }
    }

    void end(const std::string& name) {
        if (path_.empty() || path_.back() != name) {
            wrong_ = fmt::format("an element ends as {}", brief(name));
            return;
        }
        if (at({"meetings", "meeting"})) {
            add();
        }
        path_.pop_back();
    }

    void add() {
        const auto begin = count_.find_first_not_of(" \t\r\n");
        const auto digits = begin == std::string::npos
                                ? std::string()
                                : count_.substr(begin, count_.find_last_not_of(" \t\r\n") + 1 - begin);
        std::size_t participants = 0;
        const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), participants);
        if (counts_ != 1 || error != std::errc() || stop != digits.data() + digits.size()) {
            wrong_ = counts_ > 1 ? "a meeting with two participantCount" : "a meeting without participantCount";
            return;
        }
        meetings_.participants += participants;
        ++(participants > 0 ? meetings_.running : meetings_.empty);
    }

    core::Result<Meetings> finish() {
        if (!path_.empty()) {
            return core::fail("the answer is not XML", "it is cut off");
        }
        if (code_ == "FAILED") {
            return core::fail("the server refuses", fmt::format("{}: {}", brief(key_), brief(message_)),
                              "look at secret_file and checksum");
        }
        if (code_ != "SUCCESS" || (!listed_ && key_ != "noMeetings")) {
            return core::fail("the answer is none of BigBlueButton's", code_.empty() ? "no returncode" : "no meetings");
        }
        return meetings_;
    }

    std::vector<std::string> path_;  // open elements, from the outermost
    std::string code_, key_, message_, count_, wrong_;
    unsigned counts_ = 0;  // of the meeting at hand
    bool listed_ = false;
    Meetings meetings_;
};

}  // namespace

std::string meetings_query(const std::string& secret, config::Checksum checksum) {
    return "/getMeetings?checksum=" + hex_digest(kind_of(checksum), "getMeetings" + secret);
}

core::Result<Meetings> read_meetings(const std::string& xml) {
    return MeetingsReader().read(xml);
}

}  // namespace appliance::guard

// Answers of BigBlueButton and of other servers with its API.
#include "appliance/guard/bigbluebutton.hpp"

#include <gmock/gmock.h>

#include "tests/appliance/guard/answers.hpp"

namespace appliance::guard {
namespace {

using testing::HasSubstr;

TEST(BigBlueButton, TheChecksumIsThatOfTheDocumentation) {
    // sha1("getMeetings" + the secret of the documentation's example).
    EXPECT_EQ(meetings_query("639259d4-9dd8-4b25-bf01-95f9567eaf4b", config::Checksum::sha1).size(), 22U + 40U);
    EXPECT_EQ(meetings_query("", config::Checksum::sha1),
              "/getMeetings?checksum=" + meetings_query("", config::Checksum::sha1).substr(22));
    EXPECT_EQ(meetings_query("s", config::Checksum::sha256).size(), 22U + 64U);
    EXPECT_EQ(meetings_query("s", config::Checksum::sha384).size(), 22U + 96U);
    EXPECT_EQ(meetings_query("s", config::Checksum::sha512).size(), 22U + 128U);
}

TEST(BigBlueButton, CountsMeetingsAndParticipants) {
    const auto read = read_meetings(with(meeting(3) + meeting(0) + meeting(9)));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->running, 2U);
    EXPECT_EQ(read->empty, 1U);
    EXPECT_EQ(read->participants, 12U);
}

TEST(BigBlueButton, MetadataWithNamesThatNoElementHasIsNoMatter) {
    const auto read = read_meetings(with(meeting(1, "<1st>x</1st><a b>&</a b>") + meeting(2)));
    ASSERT_TRUE(read.has_value()) << read.error().line();
    EXPECT_EQ(read->running, 2U);
}

TEST(BigBlueButton, WhatIsNoAnswerOfItsIsAnError) {
    EXPECT_THAT(read_meetings(failed).error().line(), HasSubstr("Checksums do not match"));
    EXPECT_FALSE(read_meetings("<!doctype html><html><body>nginx</body></html>").has_value());
    EXPECT_FALSE(read_meetings("").has_value());
    EXPECT_FALSE(read_meetings("<response><returncode>SUCCESS</returncode></response>").has_value());
    EXPECT_FALSE(read_meetings(with("<meeting><meetingID>1</meetingID></meeting>")).has_value());
    EXPECT_FALSE(read_meetings(with(meeting(1)).substr(0, 150)).has_value()) << "cut off";
}

// The running meetings, or the error.
std::string running(const std::string& xml) {
    const auto read = read_meetings(xml);
    return read ? std::to_string(read->running) + " of " + std::to_string(read->running + read->empty)
                : read.error().line();
}

TEST(BigBlueButton, MetadataInCdataHidesNoMeeting) {
    const auto named = [](const std::string& name, const char* count) {
        return "<meeting><meetingName><![CDATA[" + name + "]]></meetingName><participantCount>" + count +
               "</participantCount><metadata/></meeting>";
    };
    EXPECT_EQ(running(with(named("XML course: the <metadata> element", "7") + named("</metadata>", "0"))), "1 of 2");
    EXPECT_EQ(running(with(named("<!-- ", "7") + named(" -->", "3"))), "2 of 2");
    EXPECT_EQ(running(with(named("]] > <meetings>", "7"))), "1 of 1");
    EXPECT_EQ(running(with("<!-- <meeting> -->" + named("a", "7") + "<!-- ]]> </meeting> -->")), "1 of 1");
}

TEST(BigBlueButton, ElementsElsewhereHaveAnyName) {
    const auto around = [](const std::string& inside) {
        return with("<meeting><participantCount>2</participantCount>" + inside + "</meeting>");
    };
    for (const char* inside :
         {"<attendees><attendee><customdata><1st><![CDATA[a]]></1st></customdata></attendee></attendees>",
          "<metadata type=\"x\"><a>b</a></metadata>", "<metadata ><a/></metadata >", "<metadata><a-b:c.d/></metadata>",
          "<metadata><x y=\"/>\"></x></metadata>", "<it's>x</it's>", "a & b &lt;meeting&gt; &nbsp; &#60;",
          "<attendees><participantCount>9</participantCount></attendees>"}) {
        EXPECT_EQ(running(around(inside)), "1 of 1") << inside;
    }
    EXPECT_EQ(read_meetings(around("<attendees><participantCount>9</participantCount></attendees>"))->participants, 2U);
    EXPECT_EQ(running("<?xml version=\"1.0\"?><!DOCTYPE response>\n" + around("") + "\n"), "1 of 1");
    EXPECT_EQ(running(with("<meeting><participantCount> <![CDATA[4]]>\n</participantCount></meeting>")), "1 of 1");
}

TEST(BigBlueButton, WhatIsNotUnderstoodIsUnknown) {
    for (const char* meeting : {"<meeting></meeting>", "<meeting/>", "<meeting><participantCount/></meeting>",
                                "<meeting><participantCount>x</participantCount></meeting>",
                                "<meeting><participantCount>-1</participantCount></meeting>",
                                "<meeting><participantCount>99999999999999999999</participantCount></meeting>",
                                "<meeting><participantCount>0</participantCount><participantCount>3</participantCount>"
                                "</meeting>",
                                "<meeting><participantCount>0</meeting>", "<meeting><a></b></meeting>",
                                "<meeting><participantCount>0</participantCount></meeting><![CDATA[", "<!--", "<",
                                "<conference><participantCount>3</participantCount></conference>",
                                "<page><meeting><participantCount>3</participantCount></meeting></page>"}) {
        EXPECT_FALSE(read_meetings(with(meeting)).has_value()) << meeting;
    }
    std::string deep;
    for (int i = 0; i < 29; ++i) {
        deep += "<a>";
    }
    std::string back;
    for (int i = 0; i < 29; ++i) {
        back += "</a>";
    }
    const std::string count = "<participantCount>1</participantCount>";
    EXPECT_EQ(running(with("<meeting>" + count + deep + back + "</meeting>")), "1 of 1") << "32 deep";
    EXPECT_THAT(running(with("<meeting>" + count + deep + "<a></a>" + back + "</meeting>")), HasSubstr("too deep"));
}

}  // namespace
}  // namespace appliance::guard

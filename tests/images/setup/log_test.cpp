#include "images/setup/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace images::setup {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string log_of(const std::string& text) {
    const auto file = log_file(text, "/ca.pem");
    return file ? *file : file.error().line();
}

TEST(Log, GoesToTheServerAsSyslogOverTls) {
    EXPECT_THAT(log_of("# ours\nserver=logs.example.org:10514\r\n"),
                AllOf(HasSubstr("target=\"logs.example.org\" port=\"10514\""), HasSubstr("octet-counted"),
                      HasSubstr("streamDriverAuthMode=\"x509/name\" streamDriverPermittedPeers=\"logs.example.org\""),
                      HasSubstr("defaultNetstreamDriverCAFile=\"/ca.pem\"")));
    EXPECT_THAT(log_of("server=logs"), HasSubstr("target=\"logs\" port=\"6514\""));
}

TEST(Log, HoldsTheCertificateAgainstAnotherNameWhereOneIsGiven) {
    EXPECT_THAT(
        log_of("server=10.0.0.9\nname=logs.example.org"),
        AllOf(HasSubstr("target=\"10.0.0.9\" port=\"6514\""), HasSubstr("PermittedPeers=\"logs.example.org\"")));
    EXPECT_THAT(log_of("name=logs\nserver=[fd00::9]:1"), HasSubstr("target=\"fd00::9\" port=\"1\""));
    EXPECT_THAT(log_of("server=10.0.0.9"), HasSubstr("no name for 10.0.0.9"));
}

TEST(Log, TakesNamesAndPortsAtTheirBoundsAndNonePastThem) {
    EXPECT_THAT(log_of("server=" + std::string(253, 'a')), HasSubstr("target="));
    EXPECT_THAT(log_of("server=" + std::string(254, 'a')), HasSubstr("is no name and no address"));
    EXPECT_THAT(log_of("server=logs:65535"), HasSubstr("port=\"65535\""));
    for (const char* wrong : {":0", ":65536", ":", ":1x", ":-1"}) {
        EXPECT_THAT(log_of("server=logs" + std::string(wrong)), HasSubstr("is no port")) << wrong;
    }
    EXPECT_THAT(log_of("server=[fd00::9]6514\nname=logs"), HasSubstr("'6514' is no port"));
}

TEST(Log, WhatIsNotUnderstoodIsRefusedAndNotPassedOn) {
    EXPECT_THAT(log_of("server=logs\" module(load=\"omprog\")"), HasSubstr("is no name and no address"));
    EXPECT_THAT(log_of("server=logs\nname=a\"b"), HasSubstr("'name=a\"b' is not understood"));
    EXPECT_THAT(log_of("server=logs\nmodule(load=\"omprog\")"), HasSubstr("is not understood"));
    EXPECT_THAT(log_of("server=[fd00::9"), HasSubstr("its ']' is missing"));
    EXPECT_THAT(log_of("server=[logs]"), HasSubstr("'logs' is no name and no address"));
    EXPECT_THAT(log_of("server="), HasSubstr("is no name and no address"));
    EXPECT_THAT(log_of("# nothing"), HasSubstr("no server in it"));
}

}  // namespace
}  // namespace images::setup

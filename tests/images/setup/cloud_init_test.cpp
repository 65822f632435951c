#include "images/setup/cloud_init.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace images::setup {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

UserData data_of(const std::string& text) {
    auto found = read_user_data("#cloud-config\n" + text);
    EXPECT_TRUE(found.has_value()) << found.error().line();
    return found.value_or(UserData{});
}

std::string data_refusal(const std::string& text) {
    const auto found = read_user_data(text);
    return found ? "taken" : found.error().line();
}

std::string network_of(const std::string& text) {
    const auto found = read_network_config(text);
    return found ? *found : found.error().line();
}

TEST(UserData, FilesAreTakenAsTextAndAsBase64) {
    const UserData found = data_of(
        "write_files:\n"
        "- path: /etc/gatehouse/gatehouse.toml\n  permissions: '0600'\n  content: |\n    [listen.web]\n    mode = "
        "\"http\"\n"
        "- path: /etc/gatehouse/key.pem\n  encoding: b64\n  content: |\n    c2Vj\n    cmV0\n"
        "- {path: /etc/gatehouse/network, content: ''}\n");
    EXPECT_THAT(found.files, ElementsAre(Pair("gatehouse.toml", "[listen.web]\nmode = \"http\"\n"),
                                         Pair("key.pem", "secret"), Pair("network", "")));
    EXPECT_THAT(found.passed_over, IsEmpty());
}

TEST(UserData, WhatAnApplianceCannotDoIsSaidAndPassedOver) {
    const UserData found = data_of(
        "users: [{name: root}]\nruncmd: [reboot]\nwrite_files:\n- {path: /etc/passwd, content: x}\n"
        "- {path: /etc/gatehouse/../passwd, content: x}\n- {path: /etc/gatehouse/, content: x}\n- {content: x}\n");
    EXPECT_THAT(found.files, IsEmpty());
    EXPECT_THAT(found.passed_over, ElementsAre("'users' means nothing here", "'runcmd' means nothing here",
                                               "write_files: '/etc/passwd' is not in /etc/gatehouse/",
                                               "write_files: '/etc/gatehouse/../passwd' is not in /etc/gatehouse/",
                                               "write_files: '/etc/gatehouse/' is not in /etc/gatehouse/",
                                               "write_files: '' is not in /etc/gatehouse/"));
    EXPECT_THAT(data_of("").files, IsEmpty());
    EXPECT_THAT(data_of("- a list").files, IsEmpty());
}

TEST(UserData, WhatCannotBeReadIsRefusedWithItsPlace) {
    EXPECT_THAT(data_refusal("#!/bin/sh\nreboot\n"), HasSubstr("is no cloud-config"));
    EXPECT_THAT(data_refusal(""), HasSubstr("is no cloud-config"));
    EXPECT_THAT(data_refusal("#cloud-config\nwrite_files: [\n"), AllOf(HasSubstr("is no YAML"), HasSubstr("line 3")));
    EXPECT_THAT(data_refusal("#cloud-config\nwrite_files: [text]\n"),
                HasSubstr("an entry of write_files that is none"));
    const std::string begin = "#cloud-config\nwrite_files: [{path: /etc/gatehouse/a, content: '*', encoding: ";
    EXPECT_THAT(data_refusal(begin + "b64}]"), HasSubstr("/etc/gatehouse/a is no base64"));
    EXPECT_THAT(data_refusal(begin + "gz+b64}]"), HasSubstr("has the encoding 'gz+b64'"));
    EXPECT_EQ(data_refusal(begin + "text/plain}]"), "taken");
}

TEST(NetworkConfig, OfVersion2) {
    EXPECT_EQ(network_of("network:\n  version: 2\n  ethernets:\n    eth0:\n      match: {name: 'e*'}\n"
                         "      addresses: [10.0.0.2/24, 'fd00::2/64']\n      gateway4: 10.0.0.1\n"
                         "      nameservers: {search: [a.org], addresses: [10.0.0.53]}\n"
                         "      routes: [{to: '::/0', via: 'fd00::1'}]\n"),
              "address=10.0.0.2/24\naddress=fd00::2/64\ngateway=10.0.0.1\ndns=10.0.0.53\ngateway=fd00::1\n");
    EXPECT_EQ(network_of("version: 2\nethernets: {eth0: {dhcp4: true}}\n"), "");
}

TEST(NetworkConfig, OfVersion1) {
    EXPECT_EQ(network_of("version: 1\nconfig:\n- type: physical\n  name: eth0\n  subnets:\n"
                         "  - {type: static, address: 10.0.0.2/24, gateway: 10.0.0.1, dns_nameservers: [10.0.0.53]}\n"
                         "- {type: nameserver, address: 10.0.0.54}\n"),
              "dns=10.0.0.54\naddress=10.0.0.2/24\ngateway=10.0.0.1\ndns=10.0.0.53\n");
    EXPECT_EQ(network_of("version: 1\nconfig: [{type: physical, name: e, subnets: [{type: dhcp4}]}]\n"), "");
}

TEST(NetworkConfig, WhatCannotBeHonouredIsRefused) {
    EXPECT_THAT(network_of("version: 3\n"), HasSubstr("another version"));
    EXPECT_THAT(network_of(""), HasSubstr("another version"));
    EXPECT_THAT(network_of("network: [\n"), HasSubstr("is no YAML"));
    EXPECT_THAT(network_of("version: 2\n"), HasSubstr("0 interfaces"));
    EXPECT_THAT(network_of("version: 2\nethernets: {a: {dhcp4: true}, b: {dhcp4: true}}\n"), HasSubstr("2 interfaces"));
    EXPECT_THAT(network_of("version: 2\nethernets: {a: {dhcp4: true, addresses: [10.0.0.2/24]}}\n"),
                HasSubstr("asks for DHCP and names addresses"));
    EXPECT_THAT(
        network_of("version: 2\nethernets: {a: {addresses: [10.0.0.2/24], routes: [{to: 10.1.0.0/16, via: b}]}}"),
        HasSubstr("the route to '10.1.0.0/16'"));
    EXPECT_THAT(network_of("version: 1\nconfig: [{type: bond, name: b}]\n"), HasSubstr("'bond' is not possible"));
    EXPECT_THAT(network_of("version: 1\nconfig: [{type: physical, subnets: [{type: static, address: 10.0.0.2}]}]\n"),
                HasSubstr("the subnet '10.0.0.2' of type 'static'"));
}

}  // namespace
}  // namespace images::setup

#include "appliance/boot/supervisor/bounds.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "appliance/config/file/load.hpp"

namespace appliance::boot {
namespace {

class BoundsTest : public testing::Test {
protected:
    BoundsTest() : file_("/tmp/gatehouse-bounds-" + std::to_string(::getpid()) + ".toml") { write(8080); }
    ~BoundsTest() override { ::unlink(file_.c_str()); }

    void write(int port, const char* more = "") const {
        std::ofstream(file_) << "[listen.web]\naddress = \"127.0.0.1:" << port
                             << "\"\nmode = \"http\"\npool = \"app\"\n[server.web1]\nhost = \"10.0.0.1\"\n"
                             << more << "[pool.app]\nport = 80\nservers = [\"web1\""
                             << (*more != '\0' ? ", \"web2\"" : "") << "]\n";
    }
    static core::Address at(const char* text) { return *core::Address::parse(text); }

    std::filesystem::path file_;
};

TEST_F(BoundsTest, OnlyWhatTheFileNamesMayBeOpened) {
    Bounds bounds(config::load(file_).value());
    EXPECT_TRUE(bounds.allow(at("127.0.0.1:8080")));
    EXPECT_FALSE(bounds.allow(at("127.0.0.1:22")));
    EXPECT_FALSE(bounds.allow(at("0.0.0.0:8080")));
    EXPECT_TRUE(bounds.allow_probes(false, 1));
    EXPECT_FALSE(bounds.allow_probes(false, 2));
    EXPECT_FALSE(bounds.allow_probes(true, 1));
    EXPECT_TRUE(bounds.allow_probes(true, 0));
}

TEST_F(BoundsTest, WhatAReloadBringsIsAllowedAndWhatWasBeforeToo) {
    Bounds bounds(config::load(file_).value());
    write(9090, "[server.web2]\nhost = \"10.0.0.2\"\n");
    EXPECT_TRUE(bounds.allow(at("127.0.0.1:9090")));
    EXPECT_TRUE(bounds.allow_probes(false, 2));
    EXPECT_TRUE(bounds.allow(at("127.0.0.1:8080")));
}

TEST_F(BoundsTest, OnlyListenersOfPoolsInTheKernelMayBeRedirected) {
    const auto redirect = [](const char* name, const char* listener, const char* backend) {
        return std::vector{
            netfilter::Redirect{name, at(listener), netfilter::Spread::in_turn, true, {{at(backend), 1, false, true}}}};
    };
    Bounds bounds(config::load(file_).value());
    EXPECT_FALSE(bounds.allow(redirect("web", "127.0.0.1:8080", "10.0.0.1:80"))) << "the proxy's";
    EXPECT_FALSE(bounds.allow(redirect("chat", "0.0.0.0:5222", "10.0.0.1:5222"))) << "not there yet";
    write(8080,
          "[listen.chat]\naddress = \"0.0.0.0:5222\"\nmode = \"tcp\"\npool = \"chat\"\n"
          "[pool.chat]\nplane = \"kernel\"\nport = 5222\nservers = [\"web1\"]\n[server.web2]\nhost = \"10.0.0.2\"\n");
    EXPECT_TRUE(bounds.allow(redirect("chat", "0.0.0.0:5222", "10.0.0.1:5222"))) << "read again";
    EXPECT_FALSE(bounds.allow(redirect("chat", "0.0.0.0:5222", "10.0.0.2:5222"))) << "of another pool";
    EXPECT_FALSE(bounds.allow(at("0.0.0.0:22")));
    write(8080);
    EXPECT_FALSE(bounds.allow(redirect("chat", "0.0.0.0:22", "10.0.0.1:5222")));
    EXPECT_TRUE(bounds.allow(redirect("chat", "0.0.0.0:5222", "10.0.0.1:5222"))) << "what was named stays allowed";
}

TEST_F(BoundsTest, AServerWithANameMayBeAnyAddressOnItsPort) {
    write(8080,
          "[listen.chat]\naddress = \"0.0.0.0:5222\"\nmode = \"tcp\"\npool = \"chat\"\n"
          "[pool.chat]\nplane = \"kernel\"\nport = 5222\nservers = [\"web2\"]\n"
          "[server.web2]\nhost = \"web2.example.org\"\n");
    Bounds bounds(config::load(file_).value());
    const auto redirect = [](const char* backend) {
        return std::vector{netfilter::Redirect{
            "chat", at("0.0.0.0:5222"), netfilter::Spread::in_turn, true, {{at(backend), 1, false, true}}}};
    };
    EXPECT_TRUE(bounds.allow(redirect("10.0.0.7:5222")));
    EXPECT_FALSE(bounds.allow(redirect("10.0.0.7:22")));
}

TEST_F(BoundsTest, AFileThatCannotBeReadAllowsNothingMore) {
    Bounds bounds(config::load(file_).value());
    std::ofstream(file_) << "[[[";
    EXPECT_FALSE(bounds.allow(at("127.0.0.1:9090")));
    EXPECT_TRUE(bounds.allow(at("127.0.0.1:8080")));
}

}  // namespace
}  // namespace appliance::boot

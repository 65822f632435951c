// The supervisor's answers to the fence process, over a real link.
#include "appliance/boot/supervisor/redirect_inquiry.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "appliance/config/file/load.hpp"
#include "netfilter/agent/redirect_gate.hpp"

namespace appliance::boot {
namespace {

// Pools in the kernel, so many and of so many servers each.
std::string many_pools(std::size_t pools, std::size_t servers) {
    std::string text = "[proxy]\nuser = \"nobody\"\n";
    std::string names;
    for (std::size_t server = 0; server < servers; ++server) {
        text += fmt::format("[server.s{}]\nhost = \"10.0.{}.{}\"\n", server, server / 200, server % 200 + 1);
        names += fmt::format("\"s{}\",", server);
    }
    for (std::size_t pool = 0; pool < pools; ++pool) {
        text += fmt::format(
            "[listen.l{0}]\naddress = \"0.0.0.0:{1}\"\nmode = \"tcp\"\npool = \"p{0}\"\n"
            "[pool.p{0}]\nplane = \"kernel\"\nport = {1}\nservers = [{2}]\n",
            pool, 5000 + pool, names);
    }
    return text;
}

std::vector<netfilter::Redirect> redirects_of(std::size_t pools, std::size_t servers) {
    std::vector<netfilter::Redirect> all;
    for (std::size_t pool = 0; pool < pools; ++pool) {
        const auto port = 5000 + pool;
        auto& one = all.emplace_back(netfilter::Redirect{
            fmt::format("l{}", pool), *core::Address::parse(fmt::format("0.0.0.0:{}", port)), {}, true, {}});
        for (std::size_t server = 0; server < servers; ++server) {
            const auto text = fmt::format("10.0.{}.{}:{}", server / 200, server % 200 + 1, port);
            one.backends.push_back({*core::Address::parse(text), 1, false, true});
        }
    }
    return all;
}

class RedirectInquiryTest : public testing::Test {
protected:
    RedirectInquiryTest() : file_(fmt::format("/tmp/gatehouse-inquiry-{}.toml", ::getpid())) {}
    ~RedirectInquiryTest() override {
        stop();
        ::unlink(file_.c_str());
    }

    void write(const std::string& text) const { std::ofstream(file_) << text; }
    // A supervisor that has read the file; returns the fence process's end.
    core::base::Descriptor begin() {
        auto config = config::load(file_);
        EXPECT_TRUE(config.has_value()) << (config ? "" : config.error().front().text());
        bounds_.emplace(*config);
        inquiry_.emplace(*bounds_);
        auto end = inquiry_->open().value();
        supervisor_ = std::thread([this] {
            while (!stopped_ && inquiry_->fd() >= 0) {
                pollfd waited{inquiry_->fd(), POLLIN, 0};
                ::poll(&waited, 1, 10);
                if (auto taken = inquiry_->take(); !taken) {
                    trouble_ = taken.error().line();
                }
            }
        });
        return end;
    }
    void stop() {
        stopped_ = true;
        if (supervisor_.joinable()) {
            supervisor_.join();
        }
    }

    std::filesystem::path file_;
    std::optional<Bounds> bounds_;
    std::optional<RedirectInquiry> inquiry_;
    std::atomic<bool> stopped_ = false;
    std::string trouble_;
    std::thread supervisor_;
};

TEST_F(RedirectInquiryTest, TheGateLetsThroughWhatTheFileNamesAndWhatAReloadBrings) {
    write(many_pools(1, 2));
    netfilter::RedirectGate gate(begin());
    EXPECT_TRUE(gate.pass(redirects_of(1, 2)));
    const auto refused = gate.pass(redirects_of(2, 2));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().what, "cannot redirect 0.0.0.0:5001 as 'l1' with masquerade");
    EXPECT_EQ(refused.error().os_error, 0);
    write(many_pools(2, 3));
    EXPECT_TRUE(gate.pass(redirects_of(2, 3)));
    EXPECT_TRUE(gate.pass(redirects_of(1, 2))) << "a reload that fails goes back";
    EXPECT_TRUE(gate.pass({}));
}

TEST_F(RedirectInquiryTest, AsManyAsThereMayBePassInOneQuestion) {
    write(many_pools(netfilter::redirects_max, netfilter::Redirect::backends_max));
    netfilter::RedirectGate gate(begin());
    const auto passed = gate.pass(redirects_of(netfilter::redirects_max, netfilter::Redirect::backends_max));
    EXPECT_TRUE(passed) << passed.error().line();
}

TEST_F(RedirectInquiryTest, WhatHasPassedNeedsNoSupervisorAndNothingElsePassesWithoutOne) {
    write(many_pools(1, 2));
    netfilter::RedirectGate gate(begin());
    ASSERT_TRUE(gate.pass(redirects_of(1, 2)));
    stop();
    inquiry_.reset();
    EXPECT_TRUE(gate.pass(redirects_of(1, 1)));
    const auto refused = gate.pass(redirects_of(1, 3));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().what, "cannot ask the supervisor whether the configuration file names the redirects");
    EXPECT_EQ(refused.error().os_error, 0) << "to control it would say that the fence process is gone";
}

TEST_F(RedirectInquiryTest, RubbishClosesTheLink) {
    write(many_pools(1, 1));
    for (const std::size_t size : {std::size_t{7}, sizeof(netfilter::wire::Request)}) {
        stopped_ = false;
        trouble_.clear();
        const auto end = begin();
        const std::string rubbish(size, 'x');
        ASSERT_EQ(::send(end.get(), rubbish.data(), rubbish.size(), 0), static_cast<ssize_t>(size));
        supervisor_.join();
        EXPECT_EQ(inquiry_->fd(), -1);
        EXPECT_EQ(trouble_, "cannot read which redirects are asked for: the peer speaks another language");
    }
}

}  // namespace
}  // namespace appliance::boot

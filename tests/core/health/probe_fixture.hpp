// A probe on a loop of its own, and its verdict. For the tests of this room.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "core/health/probe.hpp"
#include "tests/core/health/backend.hpp"

namespace core::health::testing {

inline io::Task<void> whole(net::Socket& socket, const Check& check, const Address& backend, Verdict& verdict,
                            http::Limits answers = {}) {
    health::Probe probe(socket, check, backend, answers);
    co_await probe.ask(verdict);
    co_await probe.end();
}

class Probe : public ::testing::Test {
protected:
    void SetUp() override {
        auto made = io::Loop::create({.buffers = {.count = 4, .size = 1024, .published = 2}});
        if (!made) {
            GTEST_SKIP() << made.error().line();
        }
        loop_ = std::move(*made);
    }
    Verdict ask(const Address& backend, const Check& check = {}) {
        const base::Descriptor fd = *net::open_socket(backend.family());
        return ask(fd, backend, check);
    }
    Verdict ask(const Backend& backend, const http::Limits& answers) {
        const base::Descriptor fd = *net::open_socket(backend.address().family());
        return ask(fd, backend.address(), {}, answers);
    }
    Verdict ask(const base::Descriptor& fd, const Address& backend, const Check& check = {},
                const http::Limits& answers = {}) {
        net::Socket borrowed(*loop_, base::Descriptor(fd.get()));
        Verdict verdict;
        io::TaskGroup group;
        group.start(whole(borrowed, check, backend, verdict, answers));
        loop_->run_until([&] { return group.empty(); });
        static_cast<void>(borrowed.release().release());
        return verdict;
    }
    Verdict ask(Backend::Script script, const Check& check = {}) {
        Backend backend(std::move(script));
        return ask(backend.address(), check);
    }

    std::unique_ptr<io::Loop> loop_;
};

}  // namespace core::health::testing

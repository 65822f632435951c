// The data plane under torture. Messages of all sizes and framings, HTTP and TCP, go both ways through a real proxy.
// Every byte is compared. Connections are slow, cut into pieces, pipelined, reused and broken off. All in one process,
// so that sanitizers see the proxy under these conditions, and descriptors can be counted.
//
// GATEHOUSE_TORTURE_SECONDS: the duration of each of the three runs, with some seconds of warm-up (15).
// GATEHOUSE_TORTURE_SEED: repeats the plans of another run, which has printed its seed.
// GATEHOUSE_TORTURE_PLAN: sends this one message (16 hexadecimal digits) repeatedly.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>
#include <filesystem>
#include <random>

#include "tests/core/proxy/gate.hpp"
#include "tests/torture/client.hpp"
#include "tests/torture/origin.hpp"

namespace tests::torture {
namespace {

using core::proxy::Mode;
using core::proxy::Snapshot;
using core::proxy::testing::Gate;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

constexpr unsigned clients = 24;  // a third of them use TCP
constexpr unsigned workers = 2;

std::uint64_t setting(const char* name, int base, std::uint64_t otherwise) {
    const char* const text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, base);
}

std::size_t descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// Bytes that the process has allocated and not freed; 0 under a sanitizer, which has its own allocator.
std::size_t allocated() {
    return ::mallinfo2().uordblks + ::mallinfo2().hblkhd;
}

enum class Mover : std::uint8_t { copy, splice, in_turn };

class Torture : public core::proxy::testing::RingTest, public ::testing::WithParamInterface<Mover> {
protected:
    static std::function<void(Snapshot&)> mover(bool zero_copy, bool log) {
        return [zero_copy, log](Snapshot& snapshot) {
            snapshot.zero_copy = zero_copy;
            snapshot.log_exchanges = log;
            snapshot.timeouts.head = snapshot.timeouts.client;  // heads may come byte by byte, on slow machines too
        };
    }

    // All clients send for so long; returns when nothing is in flight any more.
    void run(std::chrono::milliseconds time, bool log) {
        ledger_.run_for(time);
        std::vector<std::thread> threads;
        for (unsigned i = 0; i < clients; ++i) {
            const bool tcp = i % 3 == 2;
            threads.emplace_back([this, tcp, seed = seeds_.next()] {
                Client(ledger_, (tcp ? tcp_ : http_)->address(), tcp ? Kind::relay : Kind::exchange, seed, only_).run();
            });
        }
        bool zero_copy = GetParam() != Mover::copy;
        while (!ledger_.over()) {
            std::this_thread::sleep_for(100ms);
            zero_copy = GetParam() == Mover::in_turn ? !zero_copy : zero_copy;
            http_->reload({web1_->address(), web2_->address()}, mover(zero_copy, log));
            tcp_->reload({chat_->address()}, mover(zero_copy, log));
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        settle();
    }

    // Waits until nothing is in flight and no connection is kept.
    void settle() {
        for (int i = 0; i < 1000; ++i) {
            std::size_t left = web1_->connections() + web2_->connections() + chat_->connections();
            for (Gate* gate : {http_.get(), tcp_.get()}) {
                gate->fence({"web1", "web2"});
                gate->fence({});
                left += gate->server().report().listeners.at(0).sessions;
            }
            if (left == 0) {
                return;
            }
            std::this_thread::sleep_for(10ms);
        }
        FAIL() << "sessions or connections to servers are left over ten seconds after the last client has gone";
    }

    void start() {
        const bool zero_copy = GetParam() != Mover::copy;
        web1_ = std::make_unique<Origin>(ledger_, Kind::exchange);
        web2_ = std::make_unique<Origin>(ledger_, Kind::exchange);
        chat_ = std::make_unique<Origin>(ledger_, Kind::relay);
        http_ = std::make_unique<Gate>(std::vector{web1_->address(), web2_->address()}, Mode::http,
                                       mover(zero_copy, true), workers);
        tcp_ = std::make_unique<Gate>(std::vector{chat_->address()}, Mode::tcp, mover(zero_copy, true), workers);
    }

    void stop() {
        http_.reset();
        tcp_.reset();
        web1_.reset();
        web2_.reset();
        chat_.reset();
    }

    std::uint64_t seed_ = setting("GATEHOUSE_TORTURE_SEED", 10, std::random_device()());
    std::uint64_t only_ = setting("GATEHOUSE_TORTURE_PLAN", 16, 0);
    std::chrono::seconds time_{setting("GATEHOUSE_TORTURE_SECONDS", 10, 15)};
    Random seeds_{seed_};
    Ledger ledger_;
    std::unique_ptr<Origin> web1_, web2_, chat_;
    std::unique_ptr<Gate> http_, tcp_;
};

TEST_P(Torture, LosesNothingAltersNothingAndKeepsNothing) {
    if (only_ == 0) {
        fmt::print("GATEHOUSE_TORTURE_SEED={}\n", seed_);
    } else {
        fmt::print("{}\n{}\n", Plan(only_, Kind::exchange).text(), Plan(only_, Kind::relay).text());
    }
    const std::size_t descriptors_before = descriptors();
    start();
    // The first seconds fill the pools that are never emptied: pipes, frames, buffers.
    const std::chrono::milliseconds warming = std::clamp<std::chrono::milliseconds>(time_ / 5, 2s, 10s);
    run(warming, true);
    if (GetParam() != Mover::in_turn && only_ == 0) {
        const bool spliced = GetParam() == Mover::splice;
        EXPECT_EQ(http_->log().find(R"("mover":"splice")") != std::string::npos, spliced);
    }
    const std::size_t descriptors_warm = descriptors();
    const std::size_t allocated_warm = allocated();
    run(time_, only_ != 0);
    const std::size_t descriptors_late = descriptors();
    const std::size_t allocated_late = allocated();
    if (only_ != 0) {
        fmt::print("{}{}", http_->log(), tcp_->log());
    }
    stop();
    fmt::print("{} messages, {} MiB compared, {} excused; descriptors {} / {} / {} / {}, KiB allocated {} / {}\n",
               ledger_.messages.load(), ledger_.bytes.load() >> 20, ledger_.excused.load(), descriptors_before,
               descriptors_warm, descriptors_late, descriptors(), allocated_warm >> 10, allocated_late >> 10);
    for (const std::string& failure : ledger_.failures()) {
        ADD_FAILURE() << failure;
    }
    EXPECT_GT(ledger_.messages.load(), 2U * static_cast<std::uint64_t>(time_.count()));
    EXPECT_LE(descriptors_late, descriptors_warm + 4U * workers * core::io::PipePool::kept_max);
    EXPECT_EQ(descriptors(), descriptors_before);
    EXPECT_LE(allocated_late, allocated_warm + 1024 * 1024U);
}

INSTANTIATE_TEST_SUITE_P(With, Torture, ::testing::Values(Mover::copy, Mover::splice, Mover::in_turn),
                         [](const auto& each) {
                             return each.param == Mover::copy     ? "Copy"
                                    : each.param == Mover::splice ? "Splice"
                                                                  : "BothInTurn";
                         });

}  // namespace
}  // namespace tests::torture

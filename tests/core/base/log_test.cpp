#include "core/base/log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <sstream>
#include <thread>
#include <vector>

#include "core/base/descriptor.hpp"
#include "core/base/verify.hpp"

namespace core::base {
namespace {

struct Pipe {
    explicit Pipe(int flags = 0) {
        int ends[2];
        VERIFY(::pipe2(ends, O_CLOEXEC | flags) == 0);
        reading.reset(ends[0]);
        writing.reset(ends[1]);
    }
    Descriptor reading;
    Descriptor writing;
};

std::string read_all(int fd) {
    std::string text;
    std::vector<char> memory(65536);
    for (ssize_t got = 0; (got = ::read(fd, memory.data(), memory.size())) > 0;) {
        text.append(memory.data(), static_cast<std::size_t>(got));
    }
    return text;
}

TEST(Log, HasWrittenEverythingWhenItEnds) {
    const Descriptor file(::memfd_create("log", MFD_CLOEXEC));
    std::string expected;
    {
        Log log(file.get());
        for (int i = 0; i < 1000; ++i) {
            const std::string line = "line " + std::to_string(i) + "\n";
            expected += line;
            log.write(line);
        }
    }
    ::lseek(file.get(), 0, SEEK_SET);
    EXPECT_EQ(read_all(file.get()), expected);
}

TEST(Log, WritesWithoutWaitingForItsEnd) {
    Pipe pipe;
    Log log(pipe.writing.get());
    log.write("now\n");
    char memory[8];
    EXPECT_EQ(::read(pipe.reading.get(), memory, sizeof memory), 4);
}

TEST(Log, KeepsTheLinesOfManyThreadsWhole) {
    const Descriptor file(::memfd_create("log", MFD_CLOEXEC));
    {
        Log log(file.get());
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&log, t] {
                const std::string line(200, static_cast<char>('a' + t));
                for (int i = 0; i < 500; ++i) {
                    log.write(line + "\n");
                }
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
    }
    ::lseek(file.get(), 0, SEEK_SET);
    std::istringstream lines(read_all(file.get()));
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        EXPECT_EQ(line, std::string(200, line.empty() ? '?' : line[0]));
    }
    EXPECT_EQ(count, 2000);
}

// The log holds at most what it writes now and what is pending. All else is dropped, as whole lines, and counted.
TEST(Log, DropsAndCountsWholeLinesWithoutAReaderAndNeverDelaysTheWriter) {
    Pipe pipe;
    const std::string line = std::string(1023, 'x') + "\n";
    constexpr std::uint64_t written = 16 * 1024;  // 16 MiB against a bound of twice 4 MiB
    std::uint64_t dropped = 0;
    std::string text;
    std::thread reader;
    {
        Log log(pipe.writing.get());
        for (std::uint64_t i = 0; i < written; ++i) {
            log.write(line);
        }
        dropped = log.dropped();
        reader = std::thread([&] { text = read_all(pipe.reading.get()); });
    }
    pipe.writing.reset();
    reader.join();
    EXPECT_GE(dropped, written - 2 * Log::pending_max / line.size());
    EXPECT_LE(dropped, written - Log::pending_max / line.size());
    ASSERT_EQ(text.size(), (written - dropped) * line.size());
    EXPECT_EQ(static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')), written - dropped);
}

TEST(Log, CountsEveryLineOfWhatItDropped) {
    Pipe pipe;
    Log log(pipe.writing.get());
    std::string lines(Log::pending_max, 'x');
    lines += "\n\n\n";
    log.write(lines);
    EXPECT_EQ(log.dropped(), 3U);
}

TEST(Log, GoesOnWithoutAReader) {
    std::signal(SIGPIPE, SIG_IGN);
    Pipe pipe;
    pipe.reading.reset();
    Log log(pipe.writing.get());
    for (std::uint64_t i = 1; i <= 3; ++i) {
        log.write("nobody\n");
        const auto bound = std::chrono::steady_clock::now() + std::chrono::seconds(5);
        while (log.dropped() < i && std::chrono::steady_clock::now() < bound) {
            std::this_thread::yield();
        }
        EXPECT_EQ(log.dropped(), i);
    }
}

// Another process that shares standard output may have made it non-blocking: a full pipe is no broken one then.
TEST(Log, WaitsForRoomInANonBlockingPipe) {
    Pipe pipe;
    ::fcntl(pipe.writing.get(), F_SETFL, O_NONBLOCK);
    std::string text;
    std::thread reader;
    {
        Log log(pipe.writing.get());
        log.write(std::string(1 << 20, 'x') + "\n");
        reader = std::thread([&] { text = read_all(pipe.reading.get()); });
    }
    pipe.writing.reset();
    reader.join();
    EXPECT_EQ(text.size(), (1U << 20) + 1);
}

TEST(Log, IsWrittenWholeAfterAFlush) {
    const Pipe pipe(O_NONBLOCK);
    Log log(pipe.writing.get());
    for (int i = 0; i < 100; ++i) {
        log.write("line\n");
        log.flush(Milliseconds(5'000));
        std::array<char, 16> bytes{};
        EXPECT_EQ(::read(pipe.reading.get(), bytes.data(), bytes.size()), 5);
    }
}

std::string json(std::string_view text) {
    std::string out = "before ";
    append_json(out, text);
    return out;
}

TEST(AppendJson, LeavesPlainTextAsItIs) {
    EXPECT_EQ(json("GET /a?b=c~{}'<>"), "before GET /a?b=c~{}'<>");
    EXPECT_EQ(json(""), "before ");
}

TEST(AppendJson, EscapesQuotesAndBackslashes) {
    EXPECT_EQ(json("a\"b\\c"), "before a\\\"b\\\\c");
}

TEST(AppendJson, EscapesControlCharactersSoThatALineStaysOneLine) {
    EXPECT_EQ(json("a\nb\tc\r"), "before a\\u000ab\\u0009c\\u000d");
    EXPECT_EQ(json(std::string_view("\0\x1f\x7f", 3)), "before \\u0000\\u001f\\u007f");
}

TEST(AppendJson, EscapesEveryByteThatIsNotAscii) {
    EXPECT_EQ(json("\xc3\xa9\xff"), "before \\u00c3\\u00a9\\u00ff");
}

}  // namespace
}  // namespace core::base

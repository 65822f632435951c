#include "appliance/link/channel.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>

namespace appliance::link {
namespace {

using core::base::Descriptor;
using nlohmann::json;

struct Ends {
    Channel left;
    Channel right;
};

Ends make_ends() {
    auto pair = make_pair();
    EXPECT_TRUE(pair.has_value());
    return {Channel(std::move(pair->first)), Channel(std::move(pair->second))};
}

ino_t inode(int fd) {
    struct stat facts {};
    EXPECT_EQ(::fstat(fd, &facts), 0);
    return facts.st_ino;
}

// Pipes, because each has an inode of its own by which it is known again.
std::vector<Descriptor> make_pipes(std::size_t count) {
    std::vector<Descriptor> fds;
    while (fds.size() < count) {
        int ends[2];
        EXPECT_EQ(::pipe(ends), 0);
        ::close(ends[1]);
        fds.emplace_back(ends[0]);
    }
    return fds;
}

std::vector<int> numbers(const std::vector<Descriptor>& fds) {
    std::vector<int> all;
    for (const Descriptor& fd : fds) {
        all.push_back(fd.get());
    }
    return all;
}

class ChannelOfDescriptors : public testing::TestWithParam<std::size_t> {};

TEST_P(ChannelOfDescriptors, CarriesThemAllInTheirOrder) {
    Ends ends = make_ends();
    const auto pipes = make_pipes(GetParam());
    ASSERT_TRUE(ends.left.send(json{{"type", "x"}}, numbers(pipes)).has_value());
    const auto got = ends.right.receive(core::Milliseconds{1000});
    ASSERT_TRUE(got.has_value()) << got.error().line();
    ASSERT_TRUE(got->has_value());
    ASSERT_EQ((*got)->fds.size(), pipes.size());
    for (std::size_t i = 0; i < pipes.size(); ++i) {
        EXPECT_EQ(inode((*got)->fds[i].get()), inode(pipes[i].get()));
    }
}

INSTANTIATE_TEST_SUITE_P(AroundOnePacket, ChannelOfDescriptors, testing::Values(0, 1, 199, 200, 201, 400, 401));

class ChannelOfText : public testing::TestWithParam<std::size_t> {};

TEST_P(ChannelOfText, CarriesItWithDescriptorsWhateverItsSize) {
    Ends ends = make_ends();
    json body{{"text", ""}};
    body["text"] = std::string(GetParam() - body.dump().size(), 'a');
    ASSERT_EQ(body.dump().size(), GetParam());
    const auto pipes = make_pipes(200);
    ASSERT_TRUE(ends.left.send(body, numbers(pipes)).has_value());
    const auto got = ends.right.receive(core::Milliseconds{1000});
    ASSERT_TRUE(got.has_value()) << got.error().line();
    EXPECT_EQ((*got)->body, body);
    EXPECT_EQ((*got)->fds.size(), 200U);
}

INSTANTIATE_TEST_SUITE_P(AroundTheLimits, ChannelOfText,
                         testing::Values(20, Channel::inline_max, Channel::inline_max + 1, Channel::text_max));

TEST(Channel, RefusesATextPastItsLimitAndSendsNothing) {
    Ends ends = make_ends();
    const json body{{"text", std::string(Channel::text_max, 'a')}};
    EXPECT_FALSE(ends.left.send(body).has_value());
    const auto got = ends.right.receive(core::Milliseconds{0});
    ASSERT_TRUE(got.has_value());
    EXPECT_FALSE(got->has_value());
}

TEST(Channel, TellsTheEndFromSilence) {
    Ends ends = make_ends();
    const auto silence = ends.right.receive(core::Milliseconds{1});
    ASSERT_TRUE(silence.has_value());
    EXPECT_FALSE(silence->has_value());
    EXPECT_FALSE(ends.right.closed());
    ASSERT_TRUE(ends.left.send(json{{"last", true}}).has_value());
    ends.left = Channel();
    const auto last = ends.right.receive(core::Milliseconds{1000});
    ASSERT_TRUE(last.has_value() && last->has_value());
    const auto end = ends.right.receive(core::Milliseconds{1000});
    ASSERT_FALSE(end.has_value());
    EXPECT_EQ(end.error().os_error, EPIPE);
    EXPECT_TRUE(ends.right.closed());
}

TEST(Channel, SaysThatThePeerIsGoneWhenSending) {
    Ends ends = make_ends();
    ends.right = Channel();
    const auto sent = ends.left.send(json::object());
    ASSERT_FALSE(sent.has_value());
    EXPECT_EQ(sent.error().os_error, EPIPE);
}

TEST(Channel, WaitsForAMessageThatComesLater) {
    Ends ends = make_ends();
    std::thread later([&] { EXPECT_TRUE(ends.left.send(json{{"n", 7}}).has_value()); });
    const auto got = ends.right.receive(core::Milliseconds{5000});
    later.join();
    ASSERT_TRUE(got.has_value() && got->has_value());
    EXPECT_EQ((*got)->body["n"], 7);
}

TEST(Channel, KeepsTheOrderOfManyMessages) {
    Ends ends = make_ends();
    std::thread sender([&] {
        for (int i = 0; i < 2000; ++i) {
            ASSERT_TRUE(ends.left.send(json{{"n", i}}).has_value());
        }
    });
    for (int i = 0; i < 2000; ++i) {
        const auto got = ends.right.receive(core::Milliseconds{5000});
        ASSERT_TRUE(got.has_value() && got->has_value());
        ASSERT_EQ((*got)->body["n"], i);
    }
    sender.join();
}

TEST(Channel, ReplacesBytesThatAreNotUtf8) {
    Ends ends = make_ends();
    ASSERT_TRUE(ends.left.send(json{{"why", "\xff"}}).has_value());
    const auto got = ends.right.receive(core::Milliseconds{1000});
    ASSERT_TRUE(got.has_value() && got->has_value());
    EXPECT_EQ((*got)->body["why"], "\xEF\xBF\xBD");
}

// A malicious peer could change the text during the read, or make the read fail.
core::Result<std::optional<Message>> receive_in_memory(int seals) {
    auto pair = make_pair();
    const std::string text = R"({"type":"ready"})";
    const core::base::Descriptor file(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    EXPECT_EQ(::write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    EXPECT_EQ(::fcntl(file.get(), F_ADD_SEALS, seals), 0);
    const std::uint32_t head[4]{0x47415445, 2, static_cast<std::uint32_t>(text.size()), 0};
    const int fds[] = {file.get()};
    EXPECT_TRUE(send_packet(pair->first.get(), std::as_bytes(std::span(head)), {}, fds, Clock::now()).has_value());
    return Channel(std::move(pair->second)).receive(core::Milliseconds{1000});
}

TEST(Channel, TakesATextInMemoryOnlyWhereItIsSealed) {
    EXPECT_TRUE(receive_in_memory(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE).has_value());
    EXPECT_FALSE(receive_in_memory(F_SEAL_SHRINK | F_SEAL_GROW).has_value());
    EXPECT_FALSE(receive_in_memory(F_SEAL_SHRINK | F_SEAL_WRITE).has_value());
    EXPECT_FALSE(receive_in_memory(F_SEAL_GROW | F_SEAL_WRITE).has_value());
}

TEST(Channel, AnEndTakesNoMoreThanItsLimits) {
    const auto receive = [](const json& body, std::span<const int> fds) {
        auto pair = make_pair();
        Channel sender(std::move(pair->first));
        EXPECT_TRUE(sender.send(body, fds).has_value());
        return Channel(std::move(pair->second), {Channel::inline_max, 0}).receive(core::Milliseconds{1000}).has_value();
    };
    const int fds[] = {STDIN_FILENO};
    EXPECT_TRUE(receive({{"type", "ready"}}, {}));
    EXPECT_FALSE(receive({{"type", "ready"}}, fds));
    EXPECT_FALSE(receive({{"text", std::string(Channel::inline_max, 'a')}}, {}));
}

TEST(Channel, RefusesWhatIsNestedDeep) {
    Ends ends = make_ends();
    json deep = json::array();
    for (int i = 0; i < 100; ++i) {
        deep = json::array({std::move(deep)});
    }
    ASSERT_TRUE(ends.left.send({{"x", std::move(deep)}}).has_value());
    EXPECT_FALSE(ends.right.receive(core::Milliseconds{1000}).has_value());
}

class ChannelWithABrokenPeer : public testing::TestWithParam<std::string> {};

TEST_P(ChannelWithABrokenPeer, ReturnsAnError) {
    auto pair = make_pair();
    ASSERT_TRUE(pair.has_value());
    Channel channel(std::move(pair->second));
    const std::string& bytes = GetParam();
    ASSERT_EQ(::send(pair->first.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    pair->first.reset();
    EXPECT_FALSE(channel.receive(core::Milliseconds{1000}).has_value());
}

using namespace std::string_literals;
INSTANTIATE_TEST_SUITE_P(Packets, ChannelWithABrokenPeer,
                         testing::Values("x"s, "0123456789abcdef"s, "ETAG\1\0\0\0\2\0\0\0\0\0\0\0"s,
                                         "ETAG\1\0\0\0\2\0\0\0\0\0\0\0[]"s, "ETAG\1\0\0\0\2\0\0\0\1\0\0\0{}"s,
                                         "ETAG\2\0\0\0\2\0\0\0\0\0\0\0"s, "ETAG\3\0\0\0\0\0\0\0\0\0\0\0"s,
                                         "ETAG\1\0\0\0\1\0\0\0\0\0\0\0{"s));

}  // namespace
}  // namespace appliance::link

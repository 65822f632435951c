// Answers that violate RFC 9112 and have one reading: what the visitor gets, whether the server's connection is used
// again, and how they are counted and reported.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/proxy/upstream/backend.hpp"
#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using OddAnswers = RingTest;

std::uint64_t counted(Gate& gate, http::Oddity oddity) {
    return gate.server().report().backends.at(0).odd.at(static_cast<std::size_t>(oddity));
}

TEST_F(OddAnswers, ChunkedWinsOverALengthAndTheConnectionIsNotKept) {
    Origin origin(
        answer_all("HTTP/1.1 200 OK\r\nContent-Length: 900\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "2\r\nhi\r\n0\r\n\r\n"));
    Gate gate({origin.address()});
    for (int asked = 0; asked < 2; ++asked) {
        const std::string answer = gate.ask(get_close);
        EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\nDate"));
        EXPECT_THAT(answer, EndsWith("Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nhi\r\n0\r\n\r\n"));
        EXPECT_THAT(answer, Not(HasSubstr("Content-Length")));
    }
    EXPECT_EQ(origin.connections(), 2);
    EXPECT_EQ(counted(gate, http::Oddity::length_beside_chunked), 2U);
    EXPECT_EQ(gate.server().report().backends.at(0).failed, 0U);
}

TEST_F(OddAnswers, BareLineFeedsBecomeWellFormedAndTheConnectionIsKept) {
    Origin origin(answer_all("HTTP/1.1 200 OK\nX: a\nContent-Length: 2\n\nhi"));
    Gate gate({origin.address()});
    for (int asked = 0; asked < 2; ++asked) {
        EXPECT_THAT(gate.ask(get_close), HasSubstr("\r\nX: a\r\n"));
    }
    EXPECT_EQ(origin.connections(), 1);
    EXPECT_EQ(counted(gate, http::Oddity::bare_lf), 2U);
}

TEST_F(OddAnswers, PaddedChunksAreFramedAnew) {
    Origin origin(answer_all("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2    \r\nhi\r\n0    \r\n\r\n"));
    Gate gate({origin.address()});
    EXPECT_THAT(gate.ask(get_close), EndsWith("\r\n\r\n2\r\nhi\r\n0\r\n\r\n"));
    EXPECT_EQ(counted(gate, http::Oddity::padded_chunk), 1U);
}

TEST_F(OddAnswers, WhatCameBeforeChunksThatCannotBeReadReachesTheVisitor) {
    Origin origin(answer_all("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n"));
    Gate gate({origin.address()});
    const std::string answer = gate.ask(get_close);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, EndsWith("\r\n\r\n5\r\nhello\r\n")) << "and no last chunk";
}

TEST_F(OddAnswers, LongTrailersAreDropped) {
    const std::string trailer = "X: " + std::string(9000, 'a') + "\r\n";
    Origin origin(
        answer_all("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n" + trailer + "\r\n"));
    Gate gate({origin.address()});
    EXPECT_THAT(gate.ask(get_close), EndsWith("\r\n\r\n2\r\nhi\r\n0\r\n\r\n"));
}

TEST_F(OddAnswers, AHeadThatComesInPiecesIsTakenWhenItIsWhole) {
    Origin origin([](Peer& peer) {
        peer.read_until("\r\n\r\n");
        for (const char* piece : {"HTTP/1.1 200 OK\n", "X: a\r\n", " b\n", "Content-Le", "ngth: 2\n", "\nhi"}) {
            peer.send(piece);
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        peer.read_all();
    });
    Gate gate({origin.address()});
    EXPECT_THAT(gate.ask(get_close), HasSubstr("\r\nX: a b\r\n"));
}

TEST_F(OddAnswers, ChunkedTwiceIsRefusedAndTheFieldIsNamed) {
    Origin origin(
        answer_all("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "0\r\n\r\n"));
    Gate gate({origin.address()});
    const std::string answer = gate.ask(get_close);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 502"));
    EXPECT_THAT(answer, HasSubstr("more than one Transfer-Encoding"));
}

TEST_F(OddAnswers, AnInterimAnswerWithABodyKeepsNoConnection) {
    Origin origin(answer_all("HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n" + ok));
    Gate gate({origin.address()});
    EXPECT_THAT(gate.ask(get_close), HasSubstr("HTTP/1.1 200 OK"));
    EXPECT_THAT(gate.ask(get_close), HasSubstr("HTTP/1.1 200 OK"));
    EXPECT_EQ(origin.connections(), 2);
}

TEST(OddAnswersOfABackend, AreToldOfOnceAMinuteByAllWorkersTogether) {
    const auto commons = std::make_shared<BackendCommons>(std::make_shared<Queue>());
    Backend first("app", {}, commons);
    Backend second("app", {}, commons);
    http::Oddities lf;
    lf.add(http::Oddity::bare_lf);
    http::Oddities fold;
    fold.add(http::Oddity::folded_field);
    EXPECT_TRUE(first.count_odd(lf, 1000).has(http::Oddity::bare_lf));
    EXPECT_FALSE(second.count_odd(fold, 2000).any());
    EXPECT_FALSE(first.count_odd(lf, 60'999).any());
    const http::Oddities told = second.count_odd(lf, 61'000);
    EXPECT_TRUE(told.has(http::Oddity::bare_lf));
    EXPECT_TRUE(told.has(http::Oddity::folded_field));
    EXPECT_EQ(second.odd.at(static_cast<std::size_t>(http::Oddity::folded_field)), 1U);
}

}  // namespace
}  // namespace core::proxy::testing

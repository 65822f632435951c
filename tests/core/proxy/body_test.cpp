// Bodies where one side closes at a moment that no test client or server can choose.
#include "core/proxy/transfer/body.hpp"

#include <fcntl.h>

#include <optional>

#include "tests/core/net/net_test.hpp"

namespace core::proxy::testing {
namespace {

io::Task<void> move_to_end(BodyMove move, std::optional<BodyEnd>& end) {
    end = co_await move_body(move);
}

class BodyTest : public net::testing::NetTest, public ::testing::WithParamInterface<bool> {};

// The server's close may be seen while the request's head, or a piece of its body, is being sent. Then no receive of
// ours is out that could be cancelled. A client that waits for a 100 would never send the end of the upload.
TEST_P(BodyTest, WaitsForNothingOnceTheReceiverHasFailed) {
    ::fcntl(socket_->fd(), F_SETFL, O_NONBLOCK);  // as all of the proxy's, for splice(2)
    auto [near, far] = tests::socket_pair();
    net::Socket sink(*loop_, std::move(near));
    net::Deadline sink_deadline(sink);
    net::Deadline source_deadline(*socket_);
    Inbox source(*socket_);
    ScratchPool scratch;
    io::PipePool pipes;
    Moved moved;
    Outbox outbox(scratch, moved);
    outbox.aim(sink, sink_deadline, Milliseconds(60'000));
    bool spliced = false;
    std::optional<BodyEnd> end;
    sink.reset();
    io::TaskGroup group;
    group.start(move_to_end({.from = source,
                             .deadline = source_deadline,
                             .patience = Milliseconds(60'000),
                             .effect = net::Deadline::Effect::abort,
                             .to = outbox,
                             .framing = {.kind = http::Framing::Kind::length, .length = 10 * splice_least},
                             .chunks = {},
                             .chunk = false,
                             .pace = nullptr,
                             .pipes = GetParam() ? &pipes : nullptr,
                             .spliced = spliced},
                            end));
    run(group);
    EXPECT_EQ(end, BodyEnd::sink_failed);
}

INSTANTIATE_TEST_SUITE_P(With, BodyTest, ::testing::Bool(),
                         [](const auto& each) { return each.param ? "Splice" : "Copy"; });

}  // namespace
}  // namespace core::proxy::testing

#include "core/proxy/transfer/body.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "core/http/writer.hpp"
#include "core/proxy/transfer/splice.hpp"

namespace core::proxy {
namespace {

// Pieces up to this size are copied together: a copy is cheaper than another system call.
constexpr std::size_t gathered_max = 4096;
constexpr std::size_t chunk_overhead = http::chunk_line_max + 2 + 5;

// Appends one piece of body to the outbox, in a chunk of its own where chunk is set. 0, or a negative errno.
io::Task<int> emit(Outbox& to, std::string_view piece, bool chunk) {
    if (to.left() < gathered_max + chunk_overhead) {
        const int flushed = co_await to.flush();
        if (flushed < 0) {
            co_return flushed;
        }
    }
    if (chunk) {
        std::array<char, http::chunk_line_max> line;
        to.append({line.data(), http::write_chunk_line(piece.size(), line)});
    }
    if (piece.size() <= gathered_max) {
        to.append(piece);
    } else {
        const int flushed = co_await to.flush(piece);
        if (flushed < 0) {
            co_return flushed;
        }
    }
    if (chunk) {
        to.append(http::chunk_end);
    }
    co_return 0;
}

// One receive from the sender; it may be silent for at most patience.
io::Task<int> receive(BodyMove& move) {
    const io::Loop& loop = move.from.socket().loop();
    move.deadline.set(move.pace == nullptr ? move.patience : move.pace->begin_wait(loop.now(), move.patience),
                      move.effect);
    const int got = co_await move.from.fill();
    move.deadline.clear();
    if (move.pace != nullptr && got > 0) {
        move.pace->end_wait(loop.now());
        move.pace->received(static_cast<std::uint64_t>(got));
    }
    co_return got;
}

// Finds the pieces of body in the received bytes.
class Cutter {
public:
    Cutter(http::Framing framing, const http::ChunkLimits& limits) noexcept
        : framing_(framing),
          limits_(limits),
          remaining_(framing.kind == http::Framing::Kind::length        ? framing.length
                     : framing.kind == http::Framing::Kind::until_close ? std::numeric_limits<std::uint64_t>::max()
                                                                        : 0) {}

    // Takes the next piece off input. end: the body is over; also returned where input is empty.
    http::ChunkParser::Step next(std::string_view& input) noexcept {
        using Kind = http::ChunkParser::Step::Kind;
        if (framing_.kind == http::Framing::Kind::chunked) {
            return chunks_.next(input, limits_);
        }
        if (remaining_ == 0) {
            return {Kind::end, {}, {}};
        }
        if (input.empty()) {
            return {Kind::more, {}, {}};
        }
        const std::string_view piece = input.substr(0, std::min<std::uint64_t>(remaining_, input.size()));
        remaining_ -= framing_.kind == http::Framing::Kind::length ? piece.size() : 0;
        input.remove_prefix(piece.size());
        return {Kind::data, piece, {}};
    }

    // Body bytes that are known to follow without framing between them.
    [[nodiscard]] std::uint64_t run() const noexcept {
        return framing_.kind == http::Framing::Kind::chunked ? chunks_.remaining() : remaining_;
    }
    [[nodiscard]] http::Oddities oddities() const noexcept { return chunks_.oddities(); }
    // The next count bytes of the run were moved without next().
    void skip(std::uint64_t count) noexcept {
        if (framing_.kind == http::Framing::Kind::chunked) {
            chunks_.skip(count);
        } else if (framing_.kind == http::Framing::Kind::length) {
            remaining_ -= count;
        }
    }

private:
    http::Framing framing_;
    const http::ChunkLimits& limits_;
    std::uint64_t remaining_;
    http::ChunkParser chunks_;
};

// True where a run of body is long enough and the outgoing framing can hold it. A body that ends with the close has no
// length for a chunk.
bool worth_splicing(const BodyMove& move, const Cutter& cutter) {
    return move.pipes != nullptr && cutter.run() >= splice_least &&
           !(move.chunk && move.framing.kind == http::Framing::Kind::until_close);
}

// Moves one run of body through a pipe. Where the body goes out in chunks, the run is one chunk.
io::Task<SpliceEnd> splice_run(BodyMove& move, Cutter& cutter, io::PipeLoan& pipe) {
    const std::uint64_t run = cutter.run();
    if (move.chunk) {
        std::array<char, http::chunk_line_max> line;
        move.to.append({line.data(), http::write_chunk_line(run, line)});
        const int flushed = co_await move.to.flush();
        if (flushed < 0) {
            co_return SpliceEnd::sink_failed;
        }
    }
    SpliceMove bytes{.from = move.from.socket(),
                     .from_deadline = move.deadline,
                     .from_patience = move.patience,
                     .from_effect = move.effect,
                     .from_pace = move.pace,
                     .to = move.to.socket(),
                     .to_deadline = move.to.deadline(),
                     .to_patience = move.to.patience(),
                     .watch = SpliceMove::Watch::each_wait,
                     .counter = move.to.moved().spliced,
                     .want = run};
    const SpliceEnd end = co_await splice_bytes(bytes, pipe);
    move.spliced = true;
    move.to.count(bytes.moved);
    cutter.skip(bytes.moved);
    if (end == SpliceEnd::complete && move.chunk) {
        move.to.append(http::chunk_end);
    }
    co_return end;
}

BodyEnd body_end(SpliceEnd end, const BodyMove& move) {
    switch (end) {
        case SpliceEnd::source_ended:
            return move.framing.kind == http::Framing::Kind::until_close ? BodyEnd::complete : BodyEnd::source_ended;
        case SpliceEnd::source_failed:
            return BodyEnd::source_failed;
        case SpliceEnd::sink_failed:
            return BodyEnd::sink_failed;
        case SpliceEnd::complete:
            break;
    }
    return BodyEnd::complete;
}

}  // namespace

io::Task<BodyEnd> move_body(BodyMove move) {
    using Kind = http::ChunkParser::Step::Kind;
    Cutter cutter(move.framing, move.chunks);
    bool closed = false;
    for (;;) {
        const std::string_view view = move.from.view();
        std::string_view rest = view;
        http::ChunkParser::Step step = cutter.next(rest);
        while (step.kind == Kind::data) {
            const int emitted = co_await emit(move.to, step.data, move.chunk);
            if (emitted < 0) {
                co_return BodyEnd::sink_failed;
            }
            step = cutter.next(rest);
        }
        move.from.consume(view.size() - rest.size());
        if (step.kind == Kind::bad) {
            if (move.refusal != nullptr) {
                *move.refusal = step.reason;
            }
            co_return BodyEnd::source_malformed;
        }
        if (move.oddities != nullptr) {
            move.oddities->add(cutter.oddities());
        }
        const bool over = closed || step.kind == Kind::end;
        if (over && move.chunk) {
            move.to.append(http::last_chunk);
        }
        const int flushed = co_await move.to.flush();
        if (flushed < 0) {
            co_return BodyEnd::sink_failed;
        }
        if (over) {
            co_return BodyEnd::complete;
        }
        if (worth_splicing(move, cutter)) {
            io::PipeLoan pipe = move.pipes->take();
            if (pipe.valid()) {
                const SpliceEnd end = co_await splice_run(move, cutter, pipe);
                if (end != SpliceEnd::complete) {
                    co_return body_end(end, move);
                }
                continue;
            }
            move.pipes = nullptr;  // no pipe available; this body is copied
        }
        // The receiver may have been aborted while no send was out that could have been cancelled.
        if (move.to.socket().aborted()) {
            co_return BodyEnd::sink_failed;
        }
        const int got = co_await receive(move);
        if (got < 0 || (got == 0 && move.from.socket().broken_off())) {
            co_return BodyEnd::source_failed;
        }
        if (got == 0 && move.framing.kind != http::Framing::Kind::until_close) {
            co_return BodyEnd::source_ended;
        }
        closed = got == 0;
    }
}

}  // namespace core::proxy

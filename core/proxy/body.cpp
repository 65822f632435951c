#include "core/proxy/body.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "core/http/writer.hpp"

namespace core::proxy {
namespace {

// Up to here, copying a piece is cheaper than a system call of its own.
constexpr std::size_t gathered_max = 4096;
constexpr std::size_t chunk_overhead = http::chunk_line_max + 2 + 5;

// One piece of body towards the receiver, in a chunk of its own where chunk is set. 0, or a negative errno.
io::Task<int> emit(Outbox& to, std::string_view piece, bool chunk) {
    if (to.room().size() < gathered_max + chunk_overhead) {
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

// Finds the pieces of body in what has come in.
class Cutter {
public:
    explicit Cutter(http::Framing framing) noexcept
        : framing_(framing), remaining_(framing.kind == http::Framing::Kind::length ? framing.length : 0) {}

    // Takes the next piece off input. end: the body is over, also where input is empty.
    http::ChunkParser::Step next(std::string_view& input) noexcept {
        using Kind = http::ChunkParser::Step::Kind;
        if (framing_.kind == http::Framing::Kind::chunked) {
            return chunks_.next(input);
        }
        if (framing_.kind == http::Framing::Kind::until_close) {
            remaining_ = std::numeric_limits<std::uint64_t>::max();
        }
        if (remaining_ == 0) {
            return {Kind::end, {}, {}};
        }
        if (input.empty()) {
            return {Kind::more, {}, {}};
        }
        const std::string_view piece = input.substr(0, std::min<std::uint64_t>(remaining_, input.size()));
        remaining_ -= piece.size();
        input.remove_prefix(piece.size());
        return {Kind::data, piece, {}};
    }

private:
    http::Framing framing_;
    std::uint64_t remaining_;
    http::ChunkParser chunks_;
};

}  // namespace

io::Task<BodyEnd> move_body(BodyMove move) {
    using Kind = http::ChunkParser::Step::Kind;
    Cutter cutter(move.framing);
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
            co_return BodyEnd::source_malformed;
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
        move.deadline.set(move.patience, move.effect);
        const int got = co_await move.from.fill();
        move.deadline.clear();
        if (got < 0) {
            co_return BodyEnd::source_failed;
        }
        if (got == 0 && move.framing.kind != http::Framing::Kind::until_close) {
            co_return BodyEnd::source_ended;
        }
        closed = got == 0;
    }
}

}  // namespace core::proxy

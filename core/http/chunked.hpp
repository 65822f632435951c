// ChunkParser: removes the chunk framing (RFC 9112 7.1) from a body, in pieces of any size. One per message with
// chunked framing, in either direction. The writer frames the data anew, so no chunk line of one side reaches the
// other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/http/oddity.hpp"

namespace core::http {

// Sizes in bytes.
struct ChunkLimits {
    // For an answer's body: accepts blanks and zeros around a chunk's size, and trailer lines that are no fields.
    bool lenient = false;
    std::uint16_t extension = 256;         // on one chunk line
    std::uint32_t extensions = 16 * 1024;  // in one body: a byte must not cost 256 of overhead throughout
    std::uint32_t trailers = 8 * 1024;     // the lines after the last chunk, with their ends, but for the empty one
    std::uint64_t chunk = std::uint64_t{1} << 62;

    friend bool operator==(const ChunkLimits&, const ChunkLimits&) = default;
};

// For servers' answers. A chunk line may be as long as all of them together; trailers, which are dropped, may be as
// long as a head.
inline constexpr ChunkLimits answer_chunks{.lenient = true, .extension = 16 * 1024, .trailers = 16 * 1024};

class ChunkParser {
public:
    struct Step {
        enum class Kind : std::uint8_t { more, data, end, bad };

        Kind kind = Kind::more;
        std::string_view data;    // of Kind::data: bytes of the body, never empty, a view into the input
        std::string_view reason;  // of Kind::bad: a literal, one line for the log
    };

    // Consumes from the front of input, and returns at the first result:
    //   more  input is used up, the body continues
    //   data  a piece of the body
    //   end   the body has ended; its trailers were checked and dropped; input is what follows the message
    //   bad   refused; every later call returns bad too
    // Never allocates. Call again until it returns something other than data.
    [[nodiscard]] Step next(std::string_view& input, const ChunkLimits& limits = {}) noexcept;

    // Bytes of body still to come in this chunk; 0 between chunks. For splicing, which moves them past the parser and
    // reports them with skip.
    [[nodiscard]] std::uint64_t remaining() const noexcept { return state_ == State::data ? remaining_ : 0; }
    // count: at most remaining().
    void skip(std::uint64_t count) noexcept;
    [[nodiscard]] bool ended() const noexcept { return state_ == State::ended; }
    // What lenient has accepted so far.
    [[nodiscard]] Oddities oddities() const noexcept { return oddities_; }

private:
    enum class State : std::uint8_t {
        size_begin,
        size,
        blank,
        extension,
        size_lf,
        data,
        data_cr,
        data_lf,
        trailer_begin,
        trailer_name,
        trailer_value,
        trailer_lf,
        trailer_odd,
        last_lf,
        ended,
        failed,
    };

    Step fail(std::string_view reason) noexcept;
    Step take_data(std::string_view& input) noexcept;
    // Each takes one byte of framing. Returns the refusal, or an empty text.
    std::string_view take(char byte, const ChunkLimits& limits) noexcept;
    std::string_view take_size(char byte, const ChunkLimits& limits) noexcept;
    std::string_view take_extension(char byte, const ChunkLimits& limits) noexcept;
    std::string_view take_trailer(char byte, const ChunkLimits& limits) noexcept;
    std::string_view take_trailer_strictly(char byte) noexcept;
    std::string_view after_size(char byte, const ChunkLimits& limits) noexcept;
    std::string_view count_extension(const ChunkLimits& limits) noexcept;

    std::uint64_t remaining_ = 0;
    std::uint32_t extensions_ = 0;
    std::uint32_t trailers_ = 0;
    std::uint16_t extension_ = 0;
    std::uint8_t digits_ = 0;
    State state_ = State::size_begin;
    Oddities oddities_;
};

static_assert(sizeof(ChunkParser) <= 32, "there are two in every session");

}  // namespace core::http

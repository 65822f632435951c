// straighten: writes a head of an answer that is odd, but has one reading by RFC 9112, as one without oddities, for the
// strict parser. Internal to the parser; the slow path, entered only where that one has refused.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/http/oddity.hpp"

namespace core::http {

// Where the head that bytes begin with has ended, with its empty line; 0: it has not. Lines end with CRLF or a lone LF.
[[nodiscard]] std::size_t find_head_end(std::string_view bytes) noexcept;

// What straighten() has found beside the text.
struct Straightened {
    std::string text;  // ends with the empty line; whatever has no single reading stands in it as it was
    Oddities oddities;
    bool last = false;  // nothing that follows the message on its connection is to be trusted
};

// head: up to its end, as find_head_end has it.
[[nodiscard]] Straightened straighten(std::string_view head);

}  // namespace core::http

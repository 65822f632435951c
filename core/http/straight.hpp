// straighten: rewrites a malformed head of an answer that has one reading by RFC 9112, for the strict parser. Internal
// to the parser. The slow path, used only where the strict parser has refused.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/http/oddity.hpp"

namespace core::http {

// Where the head at the start of bytes ends, with its empty line; 0: not yet. Lines end with CRLF or a lone LF.
[[nodiscard]] std::size_t find_head_end(std::string_view bytes) noexcept;

// The result of straighten().
struct Straightened {
    std::string text;  // ends with the empty line; what has no single reading is unchanged
    Oddities oddities;
    bool last = false;  // nothing after this message on its connection is trusted
};

// head: up to its end, as find_head_end has it.
[[nodiscard]] Straightened straighten(std::string_view head);

}  // namespace core::http

// Markup: XML read as far as its elements begin and end and what text is in them. Not a checker: names may be anything
// without a blank, because BigBlueButton makes elements of whatever names people give to metadata ("<1st>"). Pure.
#pragma once

#include <string>
#include <string_view>

namespace appliance::guard {

class Markup {
public:
    enum class Kind : unsigned char { begin, end, text, finish, broken };
    struct Token {
        Kind kind = Kind::finish;
        std::string text;  // the name of an element, or text with its entities and CDATA resolved
    };

    explicit Markup(std::string_view text) : rest_(text) {}
    // The next token; comments, declarations and attributes are passed over, <a/> begins and ends. After finish or
    // broken (cut off within a tag, a comment or CDATA) always the same.
    Token next();

private:
    Token take_tag();
    Token take_text();
    // What stands behind `open` and before `close`; broken where it does not end.
    bool take_until(std::string_view open, std::string_view close, std::string_view& inside);
    // The place of '>' that is not in quotes; npos: there is none.
    [[nodiscard]] std::size_t tag_end() const;

    std::string_view rest_;
    std::string ends_;  // the element of <a/>, to end with the next token
    bool broken_ = false;
};

}  // namespace appliance::guard

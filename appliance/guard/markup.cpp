#include "appliance/guard/markup.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace appliance::guard {
namespace {

constexpr std::string_view markup_blanks = " \t\r\n";

// "&amp;" at the front of text becomes its character. What is no entity stays as it is.
std::string take_entity(std::string_view& text) {
    constexpr std::array<std::pair<std::string_view, char>, 5> entities{
        {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}}};
    for (const auto& [name, character] : entities) {
        if (text.starts_with(name)) {
            text.remove_prefix(name.size());
            return {character};
        }
    }
    // Numeric characters matter for digits written so; other text is only shown to people.
    const auto end = text.find(';');
    unsigned code = 0;
    if (text.starts_with("&#") && end != std::string_view::npos) {
        const bool hex = text.starts_with("&#x");
        const std::string_view digits = text.substr(hex ? 3 : 2, end - (hex ? 3 : 2));
        const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, hex ? 16 : 10);
        if (error == std::errc() && stop == digits.data() + digits.size()) {
            text.remove_prefix(end + 1);
            return {code < 0x80 ? static_cast<char>(code) : '?'};
        }
    }
    text.remove_prefix(1);
    return "&";
}

}  // namespace

Markup::Token Markup::next() {
    if (!ends_.empty()) {
        return {Kind::end, std::exchange(ends_, {})};
    }
    std::string_view inside;
    constexpr std::string_view data = "<![CDATA[";
    while (!broken_ && (rest_.starts_with("<!") || rest_.starts_with("<?")) && !rest_.starts_with(data)) {
        const bool comment = rest_.starts_with("<!--");
        take_until(comment ? "<!--" : rest_.substr(0, 2), comment ? "-->" : rest_[1] == '?' ? "?>" : ">", inside);
    }
    if (rest_.starts_with(data) && take_until(data, "]]>", inside)) {
        return {Kind::text, std::string(inside)};
    }
    if (broken_) {
        return {Kind::broken, {}};
    }
    if (rest_.empty()) {
        return {};
    }
    return rest_.front() == '<' ? take_tag() : take_text();
}

bool Markup::take_until(std::string_view open, std::string_view close, std::string_view& inside) {
    const auto end = rest_.find(close, open.size());
    broken_ = end == std::string_view::npos;
    if (!broken_) {
        inside = rest_.substr(open.size(), end - open.size());
        rest_.remove_prefix(end + close.size());
    }
    return !broken_;
}

std::size_t Markup::tag_end() const {
    char quote = '\0';
    bool in_value = false;  // quotes mean something only behind an equals sign
    for (std::size_t at = 1; at < rest_.size(); ++at) {
        const char c = rest_[at];
        if (quote != '\0') {
            quote = c == quote ? '\0' : quote;
        } else if (c == '>') {
            return at;
        } else if ((c == '"' || c == '\'') && in_value) {
            quote = c;
        }
        in_value = c == '=' || (in_value && markup_blanks.find(c) != std::string_view::npos);
    }
    return std::string_view::npos;
}

Markup::Token Markup::take_tag() {
    const auto end = tag_end();
    broken_ = end == std::string_view::npos;
    if (broken_) {
        return {Kind::broken, {}};
    }
    std::string_view tag = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    const bool closes = tag.starts_with('/');
    const bool empty = !closes && tag.ends_with('/');
    tag.remove_prefix(closes ? 1 : 0);
    tag.remove_suffix(empty ? 1 : 0);
    std::string name(tag.substr(0, tag.find_first_of(markup_blanks)));
    broken_ = name.empty();
    if (broken_) {
        return {Kind::broken, {}};
    }
    if (empty) {
        ends_ = name;
    }
    return {closes ? Kind::end : Kind::begin, std::move(name)};
}

Markup::Token Markup::take_text() {
    std::string_view raw = rest_.substr(0, rest_.find('<'));
    rest_.remove_prefix(raw.size());
    std::string text;
    while (!raw.empty()) {
        const auto plain = std::min(raw.find('&'), raw.size());
        text += raw.substr(0, plain);
        raw.remove_prefix(plain);
        text += raw.empty() ? std::string() : take_entity(raw);
    }
    return {Kind::text, std::move(text)};
}

}  // namespace appliance::guard

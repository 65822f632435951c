// How text reaches the operator's terminal: its width, whether to use colours, and what is safe to print.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace appliance::cli {

struct Style {
    // Without a terminal a line is as long as it has to be: grep does not find a wrapped name.
    static constexpr std::size_t unlimited = 1'000'000;
    static constexpr std::size_t narrowest = 40;

    std::size_t width = 80;
    bool colour = false;
    bool terminal = false;  // the output is a terminal: a table may be redrawn in its place
};

// Of standard output. Width: COLUMNS of the environment where it is a number; else the terminal's; else unlimited. At
// least narrowest. Colour on a terminal, unless NO_COLOR is set (no-color.org) or TERM is "dumb".
Style terminal_style();

// The same for standard error, but never with colour; and of unlimited width unless it is a terminal, because scripts
// take a failure to be one line.
Style error_style();

// The lines of the terminal: LINES of the environment, or as it says itself; 24 where neither does.
std::size_t terminal_height();
// The text that draws these lines over a terminal's content, from the upper left corner, without clearing it first.
// Where they are more than rows, the last row says how many are not shown. rows: at least 1.
std::string redraw(std::string_view lines, std::size_t rows);

enum class Tone { plain, good, bad, caution, title };

// text in the tone's colour, or as it is.
std::string paint(std::string_view text, Tone tone, const Style& style);

// Reasons come from servers and from other people. Control characters, broken UTF-8 and marks that turn the writing
// direction become '?': no reason can rewrite the operator's screen.
std::string clean(std::string_view text);

// The columns that clean text takes: 2 for a wide East Asian character or an emoji, 0 for a combining mark, else 1.
std::size_t columns(std::string_view text) noexcept;

// Breaks clean text into lines of at most width columns (width at least 2), at spaces where there are any. Never
// returns an empty list.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

}  // namespace appliance::cli

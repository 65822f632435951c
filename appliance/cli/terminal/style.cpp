#include "appliance/cli/terminal/style.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>

namespace appliance::cli {
namespace {

constexpr char32_t broken = 0xFFFFFFFF;

// One code point at the front of text, and its length in bytes; broken with length 1 where it is not UTF-8.
struct Point {
    char32_t value = broken;
    std::size_t size = 1;
};

Point front(std::string_view text) noexcept {
    const auto first = static_cast<unsigned char>(text[0]);
    if (first < 0x80) {
        return {first, 1};
    }
    const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < size) {
        return {};
    }
    char32_t value = first & (0xFFU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xC0U) != 0x80U) {
            return {};
        }
        value = (value << 6U) | (next & 0x3FU);
    }
    constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    return value < smallest[size] || value > 0x10FFFF || surrogate ? Point{} : Point{value, size};
}

struct Range {
    char32_t first;
    char32_t last;
};

template <std::size_t size>
bool within(char32_t point, const std::array<Range, size>& ranges) noexcept {
    return std::any_of(ranges.begin(), ranges.end(),
                       [point](const Range& range) { return point >= range.first && point <= range.last; });
}

// C0, C1, zero-width and direction marks, line separators, tags: nothing that belongs into one line of a table.
constexpr std::array<Range, 8> unsafe{{{0, 0x1F},
                                       {0x7F, 0x9F},
                                       {0x200B, 0x200F},
                                       {0x2028, 0x202E},
                                       {0x2060, 0x206F},
                                       {0xFEFF, 0xFEFF},
                                       {0xE0000, 0xE0FFF},
                                       {broken, broken}}};
constexpr std::array<Range, 9> wide{{{0x1100, 0x115F},
                                     {0x2E80, 0xA4CF},
                                     {0xAC00, 0xD7A3},
                                     {0xF900, 0xFAFF},
                                     {0xFE30, 0xFE6F},
                                     {0xFF00, 0xFF60},
                                     {0xFFE0, 0xFFE6},
                                     {0x1F300, 0x1FAFF},
                                     {0x20000, 0x3FFFD}}};
constexpr std::array<Range, 4> combining{{{0x300, 0x36F}, {0x1AB0, 0x1AFF}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}}};

std::size_t columns_of(char32_t point) noexcept {
    return within(point, combining) ? 0 : within(point, wide) ? 2 : 1;
}

// How many bytes of text fit into width columns.
std::size_t fitting(std::string_view text, std::size_t width) noexcept {
    std::size_t bytes = 0;
    std::size_t used = 0;
    while (bytes < text.size()) {
        const Point point = front(text.substr(bytes));
        used += columns_of(point.value);
        if (used > width) {
            break;
        }
        bytes += point.size;
    }
    return bytes;
}

winsize window(int fd) noexcept {
    winsize size{};
    return ::ioctl(fd, TIOCGWINSZ, &size) == 0 ? size : winsize{};
}

// Of the environment; nothing where it is no number above 0.
std::optional<std::size_t> number_in(const char* name) {
    const char* text = std::getenv(name);
    const std::string_view word = text == nullptr ? std::string_view() : text;
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    const bool whole = error == std::errc() && end == word.data() + word.size() && number > 0;
    return whole ? std::optional(number) : std::nullopt;
}

Style style_of(int fd) {
    Style style;
    style.terminal = ::isatty(fd) != 0;
    const std::size_t terminal = style.terminal ? window(fd).ws_col : 0;
    const std::size_t fallback = !style.terminal ? Style::unlimited : terminal == 0 ? style.width : terminal;
    style.width = std::clamp(number_in("COLUMNS").value_or(fallback), Style::narrowest, Style::unlimited);
    return style;
}

}  // namespace

Style terminal_style() {
    Style style = style_of(STDOUT_FILENO);
    const char* no_color = std::getenv("NO_COLOR");
    const char* term = std::getenv("TERM");
    const bool dumb = term == nullptr || std::string_view(term) == "dumb";
    style.colour = style.terminal && (no_color == nullptr || *no_color == '\0') && !dumb;
    return style;
}

Style error_style() {
    Style style = style_of(STDERR_FILENO);
    style.width = style.terminal ? style.width : Style::unlimited;
    return style;
}

std::size_t terminal_height() {
    constexpr std::size_t usual = 24;
    const std::size_t rows = window(STDOUT_FILENO).ws_row;
    return number_in("LINES").value_or(rows == 0 ? usual : rows);
}

std::string redraw(std::string_view lines, std::size_t rows) {
    const auto count = static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n'));
    const std::size_t shown = count <= rows ? count : rows - 1;
    std::string screen = "\x1b[H";
    for (std::size_t line = 0; line < shown; ++line) {
        const auto end = lines.find('\n');
        screen += lines.substr(0, end);
        screen += "\x1b[K\n";  // what was in this line goes with it
        lines.remove_prefix(end + 1);
    }
    if (shown < count) {
        screen += fmt::format("... and {} more lines: a larger window shows them\x1b[K\n", count - shown);
    }
    return screen + "\x1b[J";
}

std::string paint(std::string_view text, Tone tone, const Style& style) {
    if (!style.colour || tone == Tone::plain || text.empty()) {
        return std::string(text);
    }
    const char* code = tone == Tone::good ? "32" : tone == Tone::bad ? "1;31" : tone == Tone::caution ? "33" : "1";
    return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string clean(std::string_view text) {
    std::string safe;
    while (!text.empty()) {
        const Point point = front(text);
        if (within(point.value, unsafe)) {
            safe += '?';
        } else {
            safe += text.substr(0, point.size);
        }
        text.remove_prefix(point.size);
    }
    return safe;
}

std::size_t columns(std::string_view text) noexcept {
    std::size_t count = 0;
    while (!text.empty()) {
        const Point point = front(text);
        count += columns_of(point.value);
        text.remove_prefix(point.size);
    }
    return count;
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
    std::vector<std::string> lines;
    while (columns(text) > width) {
        std::size_t end = fitting(text, width);
        // The space behind a line that is exactly full is a good place too.
        const auto space = text.substr(0, end + 1).rfind(' ');
        const bool at_space = space != std::string_view::npos && space > 0;
        end = at_space ? space : end;
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(at_space ? end + 1 : end);
    }
    if (!text.empty() || lines.empty()) {
        lines.emplace_back(text);
    }
    return lines;
}

}  // namespace appliance::cli

#include "appliance/cli/terminal/table.hpp"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "core/base/verify.hpp"

namespace appliance::cli {
namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t narrowest = 6;
// An IPv4 address with its port, and most names. Longer words go over two lines, and over more never.
constexpr std::size_t whole_word = 21;

// The narrowest column in which the text can be read.
std::size_t readable(std::string_view text) {
    std::size_t longest = 0;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        longest = std::max(longest, columns(text.substr(0, end)));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return longest <= whole_word ? longest : std::max(whole_word, (longest + 1) / 2);
}

void clean_all(std::vector<Cell>& cells) {
    for (Cell& cell : cells) {
        cell.text = clean(cell.text);
    }
}

}  // namespace

void Table::add(std::vector<Cell> cells, std::vector<Cell> details) {
    VERIFY(cells.size() == columns_.size());
    clean_all(cells);
    clean_all(details);
    rows_.push_back({std::move(cells), std::move(details)});
}

std::vector<std::size_t> Table::widths(std::size_t room) const {
    std::vector<std::size_t> widths;
    std::vector<std::size_t> floors;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        std::size_t width = columns(columns_[i].title);
        floors.push_back(std::max(width, narrowest));
        for (const Row& row : rows_) {
            width = std::max(width, columns(row.cells[i].text));
            floors.back() = std::max(floors.back(), readable(row.cells[i].text));
        }
        widths.push_back(width);
    }
    // Narrows the widest column step by step, so that short columns keep their words whole as long as possible.
    std::size_t total = std::accumulate(widths.begin(), widths.end(), gap * (widths.size() - 1));
    while (total > room) {
        std::size_t widest = widths.size();
        for (std::size_t i = 0; i < widths.size(); ++i) {
            if (widths[i] > floors[i] && (widest == widths.size() || widths[i] > widths[widest])) {
                widest = i;
            }
        }
        if (widest == widths.size()) {
            return {};
        }
        --widths[widest];
        --total;
    }
    return widths;
}

void Table::render_row(const std::vector<Cell>& cells, const std::vector<std::size_t>& widths, const Style& style,
                       std::size_t indent, std::string& out) const {
    std::vector<std::vector<std::string>> wrapped;
    std::size_t height = 0;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        wrapped.push_back(wrap(cells[i].text, std::max<std::size_t>(widths[i], 2)));
        height = std::max(height, wrapped.back().size());
    }
    for (std::size_t line = 0; line < height; ++line) {
        std::string text(indent, ' ');
        std::size_t owed = 0;  // blanks that are only written when something follows them
        for (std::size_t i = 0; i < cells.size(); ++i) {
            const std::string part = line < wrapped[i].size() ? wrapped[i][line] : std::string();
            const std::size_t blank = widths[i] - std::min(widths[i], columns(part));
            if (!part.empty()) {
                text.append(owed + (columns_[i].right ? blank : 0), ' ');
                text += paint(part, cells[i].tone, style);
                owed = columns_[i].right ? gap : blank + gap;
            } else {
                owed += widths[i] + gap;
            }
        }
        out += text + '\n';
    }
}

std::string Table::render(const Style& style, std::size_t indent) const {
    const auto fitted = widths(style.width - indent);
    if (fitted.empty()) {
        return render_paragraphs(style, indent);
    }
    std::vector<Cell> titles;
    for (const Column& column : columns_) {
        titles.push_back({column.title, Tone::title});
    }
    std::string out;
    render_row(titles, fitted, style, indent, out);
    for (const Row& row : rows_) {
        render_row(row.cells, fitted, style, indent, out);
        render_details(row, style, indent, out);
    }
    return out;
}

std::string Table::render_paragraphs(const Style& style, std::size_t indent) const {
    std::string out;
    for (const Row& row : rows_) {
        std::string words;
        Tone tone = Tone::plain;
        for (std::size_t i = 0; i < row.cells.size(); ++i) {
            const Cell& cell = row.cells[i];
            tone = cell.tone == Tone::bad || tone == Tone::plain ? cell.tone : tone;
            if (!cell.text.empty()) {
                words += (words.empty() ? "" : ", ") + columns_[i].title + " " + cell.text;
            }
        }
        out += paragraph(words, style, indent, tone);
        render_details(row, style, indent, out);
    }
    return out;
}

void Table::render_details(const Row& row, const Style& style, std::size_t indent, std::string& out) {
    for (const Cell& detail : row.details) {
        out += paragraph(detail.text, style, indent + 4, detail.tone);
    }
}

std::string paragraph(std::string_view text, const Style& style, std::size_t indent, Tone tone) {
    std::string out;
    std::string rest = clean(text);
    for (std::size_t margin = indent; !rest.empty(); margin = indent + 2) {
        const std::string line = wrap(rest, style.width - margin).front();
        out += std::string(margin, ' ') + paint(line, tone, style) + '\n';
        rest.erase(0, line.size());
        rest.erase(0, rest.find_first_not_of(' '));
    }
    return out;
}

void complain(std::string_view lines) {
    const Style style = error_style();
    std::string out;
    while (!lines.empty()) {
        const auto end = std::min(lines.find('\n'), lines.size());
        out += paragraph(lines.substr(0, end), style);
        lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    std::fputs(out.c_str(), stderr);
}

}  // namespace appliance::cli

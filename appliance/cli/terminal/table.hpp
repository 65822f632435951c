// Table: rows of cells under titles, held to the terminal's width. Nothing is cut off: a cell too wide for its column
// goes on in the next line. Half an address or half a reason is worse.
#pragma once

#include <string>
#include <vector>

#include "appliance/cli/terminal/style.hpp"

namespace appliance::cli {

struct Column {
    std::string title;
    bool right = false;  // for numbers
};

struct Cell {
    std::string text;  // may hold anything; it is cleaned
    Tone tone = Tone::plain;
};

class Table {
public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    // As many cells as there are columns. The details follow below the row, each from a line of its own, indented.
    void add(std::vector<Cell> cells, std::vector<Cell> details = {});
    [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }

    // Lines that end in '\n', each at most style.width columns wide, all indented by indent. Where the columns cannot
    // be made that narrow, each row is a paragraph of "TITLE cell" instead.
    [[nodiscard]] std::string render(const Style& style, std::size_t indent = 0) const;

private:
    struct Row {
        std::vector<Cell> cells;
        std::vector<Cell> details;
    };

    // Empty: they cannot be made that narrow.
    [[nodiscard]] std::vector<std::size_t> widths(std::size_t room) const;
    [[nodiscard]] std::string render_paragraphs(const Style& style, std::size_t indent) const;
    static void render_details(const Row& row, const Style& style, std::size_t indent, std::string& out);
    void render_row(const std::vector<Cell>& cells, const std::vector<std::size_t>& widths, const Style& style,
                    std::size_t indent, std::string& out) const;

    std::vector<Column> columns_;
    std::vector<Row> rows_;
};

// Text without a table around it, wrapped to the width; every line after the first is indented by two more.
std::string paragraph(std::string_view text, const Style& style, std::size_t indent = 0, Tone tone = Tone::plain);

// Prints lines to standard error; where that is a terminal they break between words.
void complain(std::string_view lines);

}  // namespace appliance::cli

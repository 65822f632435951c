#include "core/http/straight.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "core/http/characters.hpp"
#include "core/http/fields.hpp"

namespace core::http {
namespace {

// RFC 9112 4: accepted where the grammar of the status line has one blank.
constexpr std::string_view white_space = " \t\v\f\r";
// As many empty lines as before a request.
constexpr std::size_t empty_lines_max = 2;

struct Line {
    std::string name;  // of a field; empty: the line is no field, and value has its text
    std::string value;
    Known known = Known::other;
};

// The next line without its end. bare: its end is a lone LF.
std::string_view take_line(std::string_view& rest, bool& bare) noexcept {
    const std::size_t feed = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, feed);
    rest.remove_prefix(std::min(feed + 1, rest.size()));
    bare = !line.ends_with('\r');
    line.remove_suffix(bare ? 0 : 1);
    return line;
}

class Straightener {
public:
    Straightened run(std::string_view head) {
        read(head);
        join_lengths();
        settle_coding();
        write();
        return std::move(out_);
    }

private:
    void note(Oddity oddity, bool found = true) noexcept {
        if (found) {
            out_.oddities.add(oddity);
        }
    }

    std::string_view next_line(std::string_view& rest) noexcept {
        bool bare = false;
        const std::string_view line = take_line(rest, bare);
        note(Oddity::bare_lf, bare);
        return line;
    }

    void read(std::string_view rest) {
        std::string_view line = next_line(rest);
        for (std::size_t skipped = 0; line.empty() && skipped < empty_lines_max; ++skipped) {
            note(Oddity::loose_status_line);
            line = next_line(rest);
        }
        read_status_line(line);
        for (line = next_line(rest); !line.empty(); line = next_line(rest)) {
            // RFC 9112 2.2: white space before the first field belongs to no field.
            if (is_blank(line.front()) && !lines_.empty() && !lines_.back().name.empty()) {
                note(Oddity::folded_field);
                lines_.back().value += ' ';
                lines_.back().value += trim(line);
            } else {
                read_field(line);
            }
        }
        for (Line& field : lines_) {
            if (!field.name.empty() && field.known != Known::content_length &&
                field.known != Known::transfer_encoding) {
                blank_controls(field.value);
            }
        }
    }

    // "HTTP/1.1 200 OK", with any white space between its parts.
    void read_status_line(std::string_view line) {
        const std::size_t version = std::min(line.find_first_of(white_space), line.size());
        const std::size_t status = std::min(line.find_first_not_of(white_space, version), line.size());
        const std::size_t end = std::min(line.find_first_of(white_space, status), line.size());
        const std::size_t reason = std::min(line.find_first_not_of(white_space, end), line.size());
        version_ = line.substr(0, version);
        status_ = line.substr(status, end - status);
        reason_ = trim(line.substr(reason));
        const auto one_blank = [line](std::size_t from, std::size_t to) {
            return to - from == 0 || (to - from == 1 && line[from] == ' ');
        };
        // More blanks before the reason are part of it: they frame nothing.
        const bool loose = !one_blank(version, status) || line.substr(end, 1).find_first_not_of(' ') == 0;
        note(Oddity::loose_status_line, loose);
        blank_controls(reason_);
    }

    void read_field(std::string_view line) {
        const std::size_t colon = line.find(':');
        const std::string_view whole = line.substr(0, colon);
        const std::string_view name = trim(whole);
        if (colon == std::string_view::npos || name.empty() || is_blank(whole.front())) {
            lines_.push_back({{}, std::string(line)});
            return;
        }
        note(Oddity::blank_before_colon, name.size() != whole.size());
        lines_.push_back({std::string(name), std::string(trim(line.substr(colon + 1))), classify(name)});
    }

    void blank_controls(std::string& text) {
        for (char& c : text) {
            const bool control = ends_value(c);
            note(Oddity::control_byte, control);
            c = control ? ' ' : c;
        }
    }

    // RFC 9110 8.6: the same length repeated, in one field or several, is that length.
    void join_lengths() {
        std::optional<std::string> length;
        std::size_t members = 0;
        for (const Line& field : lines_) {
            if (field.known != Known::content_length) {
                continue;
            }
            List list(field.value);
            for (std::string_view member; list.next(member); ++members) {
                if (!all_of_class(member, is_digit)) {
                    return;
                }
                member.remove_prefix(std::min(member.find_first_not_of('0'), member.size() - 1));  // 05 is 5
                if (length && *length != member) {
                    return;
                }
                length = member;
            }
            if (field.value.starts_with(',') || field.value.ends_with(',')) {
                return;
            }
        }
        if (members < 2) {
            return;
        }
        note(Oddity::repeated_length);
        keep_one(Known::content_length, *length);
    }

    // RFC 9112 6.1, 6.3: a single chunked wins, whatever length or version stands beside it.
    void settle_coding() {
        const auto is_coding = [](const Line& field) { return field.known == Known::transfer_encoding; };
        const auto coding = std::ranges::find_if(lines_, is_coding);
        if (coding == lines_.end() || std::ranges::count_if(lines_, is_coding) != 1) {
            return;
        }
        std::size_t members = 0;
        bool chunked = true;
        List list(coding->value);
        for (std::string_view member; list.next(member); ++members) {
            chunked = chunked && equals_ignoring_case(member, "chunked");
        }
        if (members != 1 || !chunked) {
            return;
        }
        note(Oddity::empty_coding, coding->value.find(',') != std::string::npos);
        coding->value = "chunked";
        const auto lengths = std::erase_if(lines_, [](const Line& l) { return l.known == Known::content_length; });
        note(Oddity::length_beside_chunked, lengths != 0);
        const bool old = version_ == "HTTP/1.0";
        note(Oddity::chunked_in_http_1_0, old);
        version_ = old ? "HTTP/1.1" : version_;
        out_.last = lengths != 0 || old;
    }

    void keep_one(Known known, const std::string& value) {
        bool kept = false;
        std::erase_if(lines_, [&](Line& field) {
            const bool again = field.known == known && std::exchange(kept, kept || field.known == known);
            field.value = field.known == known ? value : field.value;
            return again;
        });
    }

    void write() {
        out_.text = version_ + ' ' + status_ + ' ' + reason_ + "\r\n";
        for (const Line& field : lines_) {
            out_.text += field.name;
            out_.text += field.name.empty() ? "" : ": ";
            out_.text += field.value;
            out_.text += "\r\n";
        }
        out_.text += "\r\n";
    }

    std::string version_;
    std::string status_;
    std::string reason_;
    std::vector<Line> lines_;
    Straightened out_;
};

}  // namespace

std::size_t find_head_end(std::string_view bytes) noexcept {
    std::string_view rest = bytes;
    bool any = false;
    std::size_t empty = 0;
    while (rest.find('\n') != std::string_view::npos) {
        bool bare = false;
        const bool ended = take_line(rest, bare).empty();
        empty += ended ? 1 : 0;
        if (ended && (any || empty > empty_lines_max)) {
            return bytes.size() - rest.size();
        }
        any = any || !ended;
    }
    return 0;
}

Straightened straighten(std::string_view head) {
    return Straightener().run(head);
}

}  // namespace core::http

// The note of a fence: writing, cutting and reading it back. Operators read it in `nft list ruleset`, so the reason
// stands last and unescaped where possible.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "netfilter/model/fence.hpp"

namespace netfilter {
namespace {

constexpr std::size_t id_max = 24;
constexpr std::size_t who_room = 32;
constexpr std::string_view cut_mark = "...";

bool printable(char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '%' && c != '\\';
}

// The size of the UTF-8 character at `text`, so that a cut never leaves half of one.
std::size_t character_size(std::string_view text) {
    const auto first = static_cast<unsigned char>(text[0]);
    const std::size_t wanted = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    std::size_t size = 1;
    while (size < std::min(wanted, text.size()) && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) {
        ++size;
    }
    return size;
}

std::string escape(std::string_view text, bool spaces) {
    std::string out;
    for (const char c : text) {
        if (printable(c) || (spaces && c == ' ')) {
            out += c;
        } else {
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return out;
}

// Escapes as much of `text` as fits into `room`, and marks a cut.
std::string fit(std::string_view text, std::size_t room, bool spaces) {
    std::string out;
    std::size_t fitting = 0;  // the part of `out` that leaves room for the mark
    while (!text.empty()) {
        const auto size = character_size(text);
        const auto piece = escape(text.substr(0, size), spaces);
        if (out.size() + piece.size() > room) {
            out.resize(std::min(fitting, out.size()));
            return room < cut_mark.size() ? std::string() : out + std::string(cut_mark);
        }
        out += piece;
        fitting = out.size() + cut_mark.size() <= room ? out.size() : fitting;
        text.remove_prefix(size);
    }
    return out;
}

int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

std::string unescape(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
        if (low >= 0) {
            out += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

// RFC 3339's basic form: as readable as the extended one, and six bytes shorter; a note has few.
std::string print_stamp(core::WallTime time) {
    using namespace std::chrono;
    const auto second = floor<seconds>(time);
    const auto day = floor<days>(second);
    const year_month_day date(day);
    const hh_mm_ss clock(second - day);
    return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count());
}

std::optional<core::WallTime> parse_stamp(std::string_view text) {
    using namespace std::chrono;
    if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') {
        return std::nullopt;
    }
    std::array<int, 6> part{};
    constexpr std::array<std::pair<std::size_t, std::size_t>, 6> places{
        {{0, 4}, {4, 2}, {6, 2}, {9, 2}, {11, 2}, {13, 2}}};
    for (std::size_t i = 0; i < places.size(); ++i) {
        const auto digits = text.substr(places.at(i).first, places.at(i).second);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), part.at(i));
        if (error != std::errc() || end != digits.data() + digits.size() || part.at(i) < 0) {
            return std::nullopt;
        }
    }
    const year_month_day date(year(part[0]), month(static_cast<unsigned>(part[1])),
                              day(static_cast<unsigned>(part[2])));
    if (!date.ok() || part[3] > 23 || part[4] > 59 || part[5] > 60) {
        return std::nullopt;
    }
    return sys_days(date) + hours(part[3]) + minutes(part[4]) + seconds(part[5]);
}

// Takes "key=value " off the front of the note.
std::optional<std::string_view> take(std::string_view& note, std::string_view key) {
    if (!note.starts_with(key)) {
        return std::nullopt;
    }
    const auto end = std::min(note.find(' '), note.size());
    const auto value = note.substr(key.size(), end - key.size());
    note.remove_prefix(std::min(end + 1, note.size()));
    return value;
}

}  // namespace

bool valid_id(std::string_view id) {
    return id.size() <= id_max && std::all_of(id.begin(), id.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                      c == '.' || c == ':' || c == '-';
           });
}

std::string write_note(const Fence& fence) {
    std::string note = fmt::format("id={}", fit(fence.id, id_max, false));
    if (!fence.who.empty()) {
        note += " by=" + fit(fence.who, who_room, false);
    }
    note += " since=" + print_stamp(fence.since);
    if (fence.until) {
        note += " until=" + print_stamp(*fence.until);
    }
    if (!fence.why.empty()) {
        constexpr std::string_view key = " why=";
        note += key;
        note += fit(fence.why, note_max - note.size(), true);
    }
    return note;
}

void read_note(std::string_view note, Fence& fence) {
    const auto whole = note;
    const auto id = take(note, "id=");
    const auto who = take(note, "by=");
    const auto since = take(note, "since=");
    const auto until = take(note, "until=");
    const auto began = since ? parse_stamp(*since) : std::nullopt;
    if (!id || !began || (!note.empty() && !note.starts_with("why="))) {
        fence.why = whole;
        return;
    }
    fence.id = unescape(*id);
    fence.who = unescape(who.value_or(""));
    fence.since = *began;
    fence.until = until ? parse_stamp(*until) : std::nullopt;
    fence.why = note.empty() ? "" : unescape(note.substr(4));
}

Fence as_stored(Fence fence) {
    const auto note = write_note(fence);
    fence.packets = 0;
    fence.bytes = 0;
    read_note(note, fence);
    return fence;
}

std::string_view print(Mode mode) {
    switch (mode) {
        case Mode::reset:
            return "reset";
        case Mode::icmp:
            return "icmp";
        case Mode::drop:
            return "drop";
    }
    return "unknown";
}

std::string_view print(Scope scope) {
    return scope == Scope::fresh ? "new" : "all";
}

}  // namespace netfilter

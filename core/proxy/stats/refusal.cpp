#include "core/proxy/stats/refusal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/base/log.hpp"

namespace core::proxy {
namespace {

// Readable in a terminal, and unambiguous: each byte that is not visible ASCII becomes \xHH.
std::string escape(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
        if (c < ' ' || c > '~' || c == '\\') {
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
        } else {
            out += c;
        }
    }
    return out;
}

// Without the empty lines that may stand before it.
std::string_view first_line(std::string_view bytes) {
    const std::size_t begin = std::min(bytes.find_first_not_of("\r\n"), bytes.size());
    const std::string_view line = bytes.substr(begin, bytes.find('\n', begin) - begin);
    return line.substr(0, line.ends_with('\r') ? line.size() - 1 : line.size());
}

std::string place_of(const Refusal& refusal) {
    return refusal.listener.empty() ? refusal.pool + '/' + refusal.server : refusal.listener;
}

}  // namespace

void describe(Refusal& refusal, std::string_view bytes, const http::ParseResult& parsed) {
    refusal.at = base::wall_now();
    refusal.reason = parsed.reason;
    refusal.line = escape(first_line(bytes).substr(0, Refusal::line_max));
    refusal.offset = parsed.offset;
    if (parsed.offset < bytes.size()) {
        refusal.byte = static_cast<unsigned char>(bytes[parsed.offset]);
    }
    refusal.field = escape(parsed.field);
}

std::string print(const Refusal& refusal) {
    std::string out = R"({"line":")";
    base::append_json(out, refusal.line);
    out += '"';
    if (refusal.offset) {
        fmt::format_to(std::back_inserter(out), ",\"offset\":{}", *refusal.offset);
    }
    if (refusal.byte) {
        fmt::format_to(std::back_inserter(out), ",\"byte\":\"0x{:02x}\"", *refusal.byte);
    }
    if (!refusal.field.empty()) {
        out += ",\"field\":\"";
        base::append_json(out, refusal.field);
        out += '"';
    }
    return out + '}';
}

void Refusals::add(Refusal refusal) {
    std::string place = place_of(refusal);
    if (last_.size() >= places_max && !last_.contains(place)) {
        last_.clear();
    }
    std::deque<Refusal>& last = last_[std::move(place)];
    last.push_back(std::move(refusal));
    if (last.size() > kept_max) {
        last.pop_front();
    }
}

std::vector<Refusal> Refusals::all() const {
    std::vector<Refusal> all;
    for (const auto& [place, last] : last_) {
        all.insert(all.end(), last.begin(), last.end());
    }
    return all;
}

std::vector<Refusal> last_of(std::vector<Refusal> refusals) {
    std::ranges::stable_sort(refusals, {}, &Refusal::at);
    std::ranges::reverse(refusals);
    std::map<std::string, std::size_t> kept;
    std::erase_if(refusals, [&kept](const Refusal& one) { return ++kept[place_of(one)] > Refusals::kept_max; });
    std::ranges::reverse(refusals);
    return refusals;
}

}  // namespace core::proxy

#include "core/http/status.hpp"

#include <algorithm>
#include <iterator>

#include "core/http/characters.hpp"

namespace core::http {
namespace {

struct Name {
    int status;
    std::string_view text;
};

constexpr Name names[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {511, "Network Authentication Required"},
};

static_assert(std::ranges::is_sorted(names, {}, &Name::status), "the search below halves it");

}  // namespace

std::string_view reason_phrase(int status) noexcept {
    const Name* const found = std::ranges::lower_bound(names, status, {}, &Name::status);
    return found != std::end(names) && found->status == status ? found->text : "Unknown";
}

std::optional<StatusSet> StatusSet::parse(const std::vector<std::string>& members) {
    StatusSet set;
    set.ranges_.clear();
    if (members.empty() || members.size() > members_max) {
        return std::nullopt;
    }
    for (const std::string& member : members) {
        const bool of_class = member.size() == 3 && member.ends_with("xx") && member[0] >= '2' && member[0] <= '5';
        const bool one = member.size() == 3 && all_of_class(member, is_digit) && member >= "200" && member <= "599";
        if (!of_class && !one) {
            return std::nullopt;
        }
        const auto first = static_cast<std::uint16_t>(of_class ? (member[0] - '0') * 100 : std::stoi(member));
        const Range range{first, static_cast<std::uint16_t>(of_class ? first + 99 : first)};
        if (std::ranges::find(set.ranges_, range) != set.ranges_.end()) {
            return std::nullopt;
        }
        set.ranges_.push_back(range);
    }
    return set;
}

bool StatusSet::contains(int status) const noexcept {
    return std::ranges::any_of(ranges_,
                               [status](const Range& range) { return range.first <= status && status <= range.last; });
}

std::vector<std::string> StatusSet::members() const {
    std::vector<std::string> all;
    for (const Range& range : ranges_) {
        all.push_back(range.first == range.last ? std::to_string(range.first)
                                                : std::string(1, static_cast<char>('0' + range.first / 100)) + "xx");
    }
    return all;
}

std::string StatusSet::text() const {
    const std::vector<std::string> all = members();
    std::string text;
    for (std::size_t at = 0; at < all.size(); ++at) {
        text += (at == 0 ? "" : at + 1 == all.size() ? " or " : ", ") + all[at];
    }
    return text;
}

}  // namespace core::http

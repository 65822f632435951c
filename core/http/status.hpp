// Status codes and their names (RFC 9110 15, RFC 6585, RFC 7725).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace core::http {

// "Not Found" of 404; "Unknown" of a code without a name.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

// A set of final statuses that are treated alike: "200", "2xx".
class StatusSet {
public:
    // At most this many members; more are refused.
    static constexpr std::size_t members_max = 16;

    // 200 alone.
    StatusSet() : StatusSet(200) {}
    // status: 200 to 599.
    explicit StatusSet(std::uint16_t status) : ranges_{{status, status}} {}
    // Members: "200" to "599", or a class, "2xx" to "5xx"; at least one. Empty where a member is neither, where one is
    // repeated, or where there are too many.
    static std::optional<StatusSet> parse(const std::vector<std::string>& members);

    [[nodiscard]] bool contains(int status) const noexcept;
    // The members, as parse() reads them.
    [[nodiscard]] std::vector<std::string> members() const;
    // "200", "200, 204 or 3xx".
    [[nodiscard]] std::string text() const;

    friend bool operator==(const StatusSet&, const StatusSet&) = default;

private:
    struct Range {
        std::uint16_t first;
        std::uint16_t last;
        friend bool operator==(const Range&, const Range&) = default;
    };
    std::vector<Range> ranges_;
};

}  // namespace core::http

// A time zone's file, as tzfile(5) and RFC 8536 have it.
#include <array>
#include <cstring>

#include "appliance/guard/calendar/zone.hpp"

namespace appliance::guard {
namespace {

class Bytes {
public:
    explicit Bytes(std::string_view bytes) : rest_(bytes) {}

    // Nothing where fewer are left, and from then on.
    std::string_view take(std::size_t count) {
        sound_ = sound_ && count <= rest_.size();
        const std::string_view taken = sound_ ? rest_.substr(0, count) : std::string_view();
        rest_.remove_prefix(taken.size());
        return taken;
    }
    std::int64_t number(std::size_t size) {
        const std::string_view digits = take(size);
        std::uint64_t value = !digits.empty() && (static_cast<unsigned char>(digits.front()) & 0x80U) != 0 ? ~0ULL : 0;
        for (const char digit : digits) {
            value = value << 8U | static_cast<unsigned char>(digit);
        }
        return static_cast<std::int64_t>(value);
    }
    [[nodiscard]] bool sound() const { return sound_; }
    [[nodiscard]] std::string_view rest() const { return rest_; }

private:
    std::string_view rest_;
    bool sound_ = true;
};

struct FileHead {
    char version = 0;
    std::size_t utc_marks = 0;
    std::size_t standard_marks = 0;
    std::size_t leaps = 0;
    std::size_t times = 0;
    std::size_t types = 0;
    std::size_t characters = 0;
};

std::optional<FileHead> read_file_head(Bytes& bytes) {
    constexpr std::size_t reserved = 15;
    constexpr std::int64_t most = 100'000;
    FileHead head;
    if (bytes.take(4) != "TZif") {
        return std::nullopt;
    }
    const std::string_view version = bytes.take(1);
    head.version = version.empty() ? '\0' : version.front();
    bytes.take(reserved);
    for (std::size_t* count :
         {&head.utc_marks, &head.standard_marks, &head.leaps, &head.times, &head.types, &head.characters}) {
        const std::int64_t number = bytes.number(4);
        if (number < 0 || number > most) {
            return std::nullopt;
        }
        *count = static_cast<std::size_t>(number);
    }
    return bytes.sound() && head.types > 0 ? std::optional(head) : std::nullopt;
}

std::optional<Zone> read_file_body(Bytes& bytes, const FileHead& head) {
    constexpr std::size_t wide = 8;
    std::vector<Instant> times;
    for (std::size_t i = 0; i < head.times; ++i) {
        times.emplace_back(std::chrono::seconds(bytes.number(wide)));
    }
    const std::string_view kinds = bytes.take(head.times);
    std::vector<std::pair<std::int64_t, std::size_t>> types;  // offset, where its abbreviation begins
    for (std::size_t i = 0; i < head.types; ++i) {
        const std::int64_t offset = bytes.number(4);
        bytes.take(1);
        types.emplace_back(offset, static_cast<std::size_t>(bytes.number(1) & 0xFF));
    }
    const std::string_view letters = bytes.take(head.characters);
    bytes.take(head.leaps * (wide + 4) + head.standard_marks + head.utc_marks);
    if (!bytes.sound()) {
        return std::nullopt;
    }
    const auto clock = [&](std::size_t kind) {
        const auto [offset, at] = types.at(kind < types.size() ? kind : 0);
        const std::string_view from = at < letters.size() ? letters.substr(at) : std::string_view();
        return Zone::Clock{std::chrono::seconds(offset), std::string(from.substr(0, from.find('\0')))};
    };
    std::vector<Zone::Change> changes;
    for (std::size_t i = 0; i < head.times; ++i) {
        changes.push_back({times[i], clock(static_cast<unsigned char>(kinds[i]))});
    }
    // Behind it, between two newlines, stands the rule for the time after.
    std::string_view rule = bytes.rest();
    rule.remove_prefix(rule.starts_with('\n') ? 1 : 0);
    const Instant after = times.empty() ? Instant::min() : times.back();
    if (auto more = follow_zone_rule(rule.substr(0, rule.find('\n')), after)) {
        changes.insert(changes.end(), more->begin(), more->end());
    }
    return Zone(clock(0), std::move(changes));
}

}  // namespace

std::optional<Zone> parse_zone_file(std::string_view text) {
    Bytes bytes(text);
    const auto old = read_file_head(bytes);
    if (!old || old->version < '2') {
        return std::nullopt;
    }
    // What programs of before 2005 read comes first, with narrow times.
    bytes.take(old->times * 5 + old->types * 6 + old->characters + old->leaps * 8 + old->standard_marks +
               old->utc_marks);
    const auto head = read_file_head(bytes);
    return head ? read_file_body(bytes, *head) : std::nullopt;
}

}  // namespace appliance::guard

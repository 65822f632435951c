// Section: reads the keys of one table of the file with their types and ranges. In the end it knows the keys that the
// reader did not ask for. A wrong value becomes a problem, and the fallback is returned, so that reading goes on.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "appliance/config/file/tree.hpp"
#include "core/base/address.hpp"
#include "core/base/duration.hpp"
#include "core/base/network.hpp"
#include "core/http/status.hpp"

namespace appliance::config {

class Section {
public:
    // name as in messages: "[listen.web]". at is where a missing key is reported. The table and the report outlive the
    // section. A node that is no table is reported and then read as an empty one.
    Section(const Node& table, Position at, std::string name, Report& report);

    // The entry of key, or null. Asking for a key makes it a known one.
    const Entry* find(std::string_view key);

    // A string that is not empty.
    std::string text(std::string_view key, std::string fallback);
    // The same for a key that must be there: example is shown as the mend, "address = \"0.0.0.0:80\"".
    std::string required_text(std::string_view key, std::string_view example);
    std::int64_t number(std::string_view key, std::int64_t fallback, std::int64_t min, std::int64_t max);
    bool flag(std::string_view key, bool fallback);
    // 200, "2xx", or a list of such.
    core::http::StatusSet statuses(std::string_view key, const core::http::StatusSet& fallback);
    core::Milliseconds duration(std::string_view key, core::Milliseconds fallback, core::Milliseconds min,
                                core::Milliseconds max);
    // Appended to values, each once: at most Bounds::networks, such as "10.0.0.0/8"; 1 to Bounds::sources addresses
    // without a port. One that is wrong is left out.
    void networks(std::string_view key, std::vector<core::Network>& values);
    void addresses(std::string_view key, std::vector<core::Address>& values);
    // Bytes.
    std::uint64_t size(std::string_view key, std::uint64_t fallback, std::uint64_t min, std::uint64_t max);
    // One of a few words; words holds pairs of a word and its value.
    template <typename Enum, typename Words>
    Enum choice(std::string_view key, Enum fallback, const Words& words) {
        std::vector<std::string_view> names;
        for (const auto& [name, value] : words) {
            names.push_back(name);
        }
        auto index = choose(key, names);
        for (const auto& [name, value] : words) {
            if (index-- == 0) {
                return value;
            }
        }
        return fallback;
    }

    // A problem with the value of key (which is known to be there), or with the section where it is not.
    void complain(std::string_view key, std::string_view what, std::string mend);
    // The same with a part of the value, at its place.
    void complain(Position at, std::string_view key, std::string_view what, std::string mend);
    // A problem with the section: it lacks something.
    void miss(std::string_view what, std::string_view example);
    // Reports every key that was never asked for. Call it once, last.
    void close();

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] Position at() const noexcept { return at_; }
    // Where the value of key stands; the section itself where there is none.
    [[nodiscard]] Position at(std::string_view key) const;

private:
    // The value of a key that is written as a number with a unit, as kind and example say; nothing where it is not
    // there or was complained of.
    std::string with_unit(std::string_view key, std::string_view kind, std::string_view example);
    // What parse made of it, if that is between min and max; else fallback.
    template <typename Value, typename Parse, typename Print>
    Value within(std::string_view key, std::string_view kind, Value fallback, Value min, Value max, Parse parse,
                 Print print);
    const Node* typed(std::string_view key, Kind kind);
    std::size_t choose(std::string_view key, std::span<const std::string_view> names);
    [[nodiscard]] const Entry* entry(std::string_view key) const;

    const Node& table_;
    Position at_;
    std::string name_;
    Report& report_;
    std::vector<std::string_view> known_;
};

}  // namespace appliance::config

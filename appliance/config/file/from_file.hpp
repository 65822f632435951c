// FromFile: each_field's visitor that fills a structure from one table of the file. What is not there stays as it is;
// what is wrong becomes a problem of the section, and stays as it is too.
#pragma once

#include <concepts>
#include <string>
#include <vector>

#include "appliance/config/file/section.hpp"

namespace appliance::config {

class FromFile {
public:
    // section outlives the visitor. not_here: a header that has a key of its own; see check_header().
    explicit FromFile(Section& section, std::string_view not_here = "host") : section_(section), not_here_(not_here) {}

    void text(const char* key, std::string& value, const char* /*help*/) { value = section_.text(key, value); }
    void command(const char* key, std::string& value, const char* help);
    void list(const char* key, std::vector<std::string>& value, const char* help);
    void headers(const char* key, std::vector<std::string>& value, const char* help);
    template <std::integral Number>
    void number(const char* key, Number& value, std::int64_t min, std::int64_t max, const char* /*help*/) {
        value = static_cast<Number>(section_.number(key, static_cast<std::int64_t>(value), min, max));
    }
    // 0 where there is none.
    void port(const char* key, std::uint16_t& value, const char* /*help*/) {
        value = static_cast<std::uint16_t>(section_.number(key, value, 1, 65535));
    }
    template <std::integral Number>
    void size(const char* key, Number& value, std::uint64_t min, std::uint64_t max, const char* /*help*/) {
        value = static_cast<Number>(section_.size(key, value, min, max));
    }
    void duration(const char* key, core::Milliseconds& value, core::Milliseconds min, core::Milliseconds max,
                  const char* /*help*/) {
        value = section_.duration(key, value, min, max);
    }
    void statuses(const char* key, core::http::StatusSet& value, const char* /*help*/) {
        value = section_.statuses(key, value);
    }
    void flag(const char* key, bool& value, const char* /*help*/) { value = section_.flag(key, value); }
    void networks(const char* key, std::vector<core::Network>& value, const char* /*help*/) {
        section_.networks(key, value);
    }
    void addresses(const char* key, std::vector<core::Address>& value, const char* /*help*/) {
        section_.addresses(key, value);
    }
    template <typename Enum, typename Words>
    void choice(const char* key, Enum& value, const Words& words, const char* /*help*/) {
        value = section_.choice(key, value, words);
    }

private:
    Section& section_;
    std::string_view not_here_;
};

}  // namespace appliance::config

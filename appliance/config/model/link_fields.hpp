// LinkFields: each_field's visitors for the links between our processes. One writes a structure as a JSON object, the
// other reads it: durations in milliseconds, sizes in bytes. Both go by the same list, so what is written is what is
// read. A field that is missing, of another type or out of its bounds throws link::Malformed, and is never a default.
#pragma once

#include <concepts>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/link/fields.hpp"
#include "core/base/address.hpp"
#include "core/base/duration.hpp"
#include "core/base/network.hpp"
#include "core/http/status.hpp"

namespace appliance::config {

class ToLink {
public:
    // object outlives the visitor, and gets a member for each field.
    explicit ToLink(nlohmann::json& object) : object_(object) {}

    void text(const char* key, const std::string& value, const char* /*help*/) { object_[key] = value; }
    void headers(const char* key, const std::vector<std::string>& value, const char* /*help*/) { object_[key] = value; }
    template <std::integral Number>
    void number(const char* key, Number value, std::int64_t /*min*/, std::int64_t /*max*/, const char* /*help*/) {
        object_[key] = value;
    }
    void port(const char* key, std::uint16_t value, const char* /*help*/) { object_[key] = value; }
    template <std::integral Number>
    void size(const char* key, Number value, std::uint64_t /*min*/, std::uint64_t /*max*/, const char* /*help*/) {
        object_[key] = value;
    }
    void duration(const char* key, core::Milliseconds value, core::Milliseconds /*min*/, core::Milliseconds /*max*/,
                  const char* /*help*/) {
        object_[key] = value.count();
    }
    void statuses(const char* key, const core::http::StatusSet& value, const char* /*help*/) {
        object_[key] = value.members();
    }
    void flag(const char* key, bool value, const char* /*help*/) { object_[key] = value; }
    void networks(const char* key, const std::vector<core::Network>& value, const char* help);
    void addresses(const char* key, const std::vector<core::Address>& value, const char* help);
    template <typename Enum, typename Words>
    void choice(const char* key, Enum value, const Words& words, const char* /*help*/) {
        for (const auto& [name, meaning] : words) {
            if (meaning == value) {
                object_[key] = name;
            }
        }
    }

private:
    nlohmann::json& object_;
};

class FromLink {
public:
    // object outlives the visitor.
    explicit FromLink(const nlohmann::json& object) : object_(object) {}

    void text(const char* key, std::string& value, const char* /*help*/) { value = link::read_text(object_, key); }
    void headers(const char* key, std::vector<std::string>& value, const char* help);
    template <std::integral Number>
    void number(const char* key, Number& value, std::int64_t min, std::int64_t max, const char* /*help*/) {
        value = static_cast<Number>(link::read_number<std::uint64_t>(object_, key, static_cast<std::uint64_t>(min),
                                                                     static_cast<std::uint64_t>(max)));
    }
    void port(const char* key, std::uint16_t& value, const char* /*help*/) {
        value = link::read_number<std::uint16_t>(object_, key);
    }
    template <std::integral Number>
    void size(const char* key, Number& value, std::uint64_t min, std::uint64_t max, const char* /*help*/) {
        value = static_cast<Number>(link::read_number<std::uint64_t>(object_, key, min, max));
    }
    void duration(const char* key, core::Milliseconds& value, core::Milliseconds min, core::Milliseconds max,
                  const char* help);
    void statuses(const char* key, core::http::StatusSet& value, const char* help);
    void flag(const char* key, bool& value, const char* /*help*/) { value = link::read_flag(object_, key); }
    void networks(const char* key, std::vector<core::Network>& value, const char* help);
    void addresses(const char* key, std::vector<core::Address>& value, const char* help);
    template <typename Enum, typename Words>
    void choice(const char* key, Enum& value, const Words& words, const char* /*help*/) {
        const std::string said = link::read_text(object_, key);
        for (const auto& [name, meaning] : words) {
            if (name == said) {
                value = meaning;
                return;
            }
        }
        throw link::Malformed(key, "is none of its words");
    }

private:
    const nlohmann::json& object_;
};

}  // namespace appliance::config

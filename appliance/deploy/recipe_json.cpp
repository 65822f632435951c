#include "appliance/deploy/recipe_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "appliance/config/file/header.hpp"
#include "appliance/config/model/config.hpp"

namespace appliance::deploy {
namespace {

using nlohmann::json;

// A text of a recipe may be a command; anything longer is a mistake.
constexpr std::size_t text_bytes = 4096;
constexpr std::size_t list_max = 256;

class Writer {
public:
    explicit Writer(json& object) : object_(object) {}

    void text(const char* key, const std::string& value, const char* /*help*/) { object_[key] = value; }
    void command(const char* key, const std::string& value, const char* help) { text(key, value, help); }
    void list(const char* key, const std::vector<std::string>& value, const char* /*help*/) { object_[key] = value; }
    void headers(const char* key, const std::vector<std::string>& value, const char* help) { list(key, value, help); }
    void number(const char* key, std::int64_t value, std::int64_t /*min*/, std::int64_t /*max*/, const char* /*help*/) {
        object_[key] = value;
    }
    void duration(const char* key, core::Milliseconds value, core::Milliseconds /*min*/, core::Milliseconds /*max*/,
                  const char* /*help*/) {
        object_[key] = core::base::print_duration(value);
    }
    void statuses(const char* key, const core::http::StatusSet& value, const char* /*help*/) {
        const auto members = value.members();
        const bool number = members.size() == 1 && !members.front().ends_with("xx");
        object_[key] = number ? json(std::stoi(members.front())) : json(members);
    }
    void flag(const char* key, bool value, const char* /*help*/) { object_[key] = value; }
    template <typename Enum, std::size_t size>
    void choice(const char* key, Enum value, const config::Word<Enum> (&words)[size], const char* /*help*/) {
        for (const auto& word : words) {
            if (word.value == value) {
                object_[key] = word.name;
            }
        }
    }

private:
    json& object_;
};

class Reader {
public:
    explicit Reader(const json& object) : object_(object) {}

    core::Result<void> result;

    void text(const char* key, std::string& value, const char* /*help*/) {
        if (const json* found = find(key)) {
            found->is_string() && found->get_ref<const std::string&>().size() <= text_bytes
                ? static_cast<void>(value = found->get<std::string>())
                : wrong(key, "a text of at most 4096 bytes");
        }
    }
    // Without a check of placeholders: an earlier version's text in the ledger may have others. Orders are checked
    // where they come in.
    void command(const char* key, std::string& value, const char* help) { text(key, value, help); }
    void list(const char* key, std::vector<std::string>& value, const char* /*help*/) {
        const json* found = find(key);
        if (found == nullptr) {
            return;
        }
        if (!found->is_array() || found->size() > list_max ||
            !std::all_of(found->begin(), found->end(), [](const json& item) { return item.is_string(); })) {
            wrong(key, "a list of at most 256 names");
            return;
        }
        value = found->get<std::vector<std::string>>();
    }
    void headers(const char* key, std::vector<std::string>& value, const char* help) {
        std::vector<std::string> read = value;
        list(key, read, help);
        if (read.size() > config::Bounds::headers) {
            wrong(key, fmt::format("a list of at most {}", config::Bounds::headers));
        }
        for (const std::string& header : read) {
            if (const auto sound = config::check_header(header, "verify_host"); result && !sound) {
                result = core::fail(fmt::format("bad '{}'", key), sound.error().what,
                                    "write it as \"X-Forwarded-Proto: https\"");
            }
        }
        if (result) {
            value = std::move(read);
        }
    }
    void number(const char* key, std::int64_t& value, std::int64_t min, std::int64_t max, const char* /*help*/) {
        if (const json* found = find(key)) {
            found->is_number_integer() && *found >= min&&* found <= max
                ? static_cast<void>(value = found->get<std::int64_t>())
                : wrong(key, fmt::format("a number from {} to {}", min, max));
        }
    }
    void duration(const char* key, core::Milliseconds& value, core::Milliseconds min, core::Milliseconds max,
                  const char* /*help*/) {
        const json* found = find(key);
        if (found == nullptr) {
            return;
        }
        const auto parsed = found->is_string() ? core::base::parse_duration(found->get<std::string>())
                                               : core::Result<core::Milliseconds>(core::fail("no text"));
        parsed&&* parsed >= min&&* parsed <= max
            ? static_cast<void>(value = *parsed)
            : wrong(key, fmt::format("a duration from {} to {}", core::base::print_duration(min),
                                     core::base::print_duration(max)));
    }
    void statuses(const char* key, core::http::StatusSet& value, const char* /*help*/) {
        const json* found = find(key);
        if (found == nullptr) {
            return;
        }
        std::vector<std::string> members;
        for (const json& each : found->is_array() ? *found : json::array({*found})) {
            members.push_back(each.is_string() ? each.get<std::string>() : each.dump());
        }
        auto read = core::http::StatusSet::parse(members);
        read ? static_cast<void>(value = std::move(*read))
             : wrong(key, "a status from 200 to 599, a class such as \"2xx\", or a list of at most 16, each once");
    }
    void flag(const char* key, bool& value, const char* /*help*/) {
        if (const json* found = find(key)) {
            found->is_boolean() ? static_cast<void>(value = found->get<bool>()) : wrong(key, "true or false");
        }
    }
    template <typename Enum, std::size_t size>
    void choice(const char* key, Enum& value, const config::Word<Enum> (&words)[size], const char* /*help*/) {
        const json* found = find(key);
        if (found == nullptr) {
            return;
        }
        std::string names;
        for (const auto& word : words) {
            if (*found == word.name) {
                value = word.value;
                return;
            }
            names += (names.empty() ? "" : ", ") + std::string(word.name);
        }
        wrong(key, "one of " + names);
    }

private:
    const json* find(const char* key) const {
        const auto found = object_.find(key);
        return found == object_.end() || found->is_null() || !result ? nullptr : &*found;
    }
    void wrong(const char* key, std::string_view must) {
        result = core::fail(fmt::format("'{}' must be {}", key, must));
    }

    const json& object_;
};

}  // namespace

json to_json(const config::Recipe& recipe) {
    json object{{"name", recipe.name}, {"run_source", recipe.run_source}, {"rollback_source", recipe.rollback_source}};
    config::each_field(recipe, Writer(object));
    return object;
}

core::Result<void> from_json(const json& object, config::Recipe& recipe) {
    Reader reader(object);
    config::each_field(recipe, reader);
    return reader.result;
}

}  // namespace appliance::deploy

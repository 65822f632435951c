#include "appliance/link/fields.hpp"

namespace appliance::link {
namespace {

using nlohmann::json;

constexpr std::uint64_t ms_max = 100ULL * 366 * 24 * 3600 * 1000;

// Counted before anything is parsed: a value that is nested deep costs stack when it is copied or destroyed.
bool too_deep(std::string_view text) {
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            i += c == '\\' ? 1 : 0;
            in_string = c != '"';
        } else if (c == '[' || c == '{') {
            if (++depth > depth_max) {
                return true;
            }
        } else if (c == ']' || c == '}') {
            depth -= depth > 0 ? 1 : 0;
        } else {
            in_string = c == '"';
        }
    }
    return false;
}

}  // namespace

core::Result<json> parse_message(std::string_view text) {
    if (too_deep(text)) {
        return core::fail("cannot understand a message", "it is nested too deep");
    }
    return decode("a message", [text] {
        json body = json::parse(text);
        return body.is_object() ? body : throw Malformed("it", "is not a JSON object");
    });
}

Malformed::Malformed(std::string_view field, std::string_view trouble)
    : std::runtime_error(std::string(field) + " " + std::string(trouble)) {}

const json& read_field(const json& object, const char* name) {
    if (!object.is_object()) {
        throw Malformed(name, "is looked for where no object is");
    }
    const auto found = object.find(name);
    return found != object.end() ? *found : throw Malformed(name, "is missing");
}

const json& read_list(const json& object, const char* name, std::size_t most) {
    const json& list = read_field(object, name);
    return list.is_array() && list.size() <= most ? list : throw Malformed(name, "is no list, or too long");
}

std::string read_text(const json& object, const char* name, std::size_t most) {
    const json& text = read_field(object, name);
    if (!text.is_string() || text.get_ref<const std::string&>().size() > most) {
        throw Malformed(name, "is no text, or too long");
    }
    return text.get<std::string>();
}

std::vector<std::string> read_texts(const json& object, const char* name, std::size_t most) {
    std::vector<std::string> texts;
    for (const json& item : read_list(object, name, most)) {
        texts.push_back(item.is_string() ? item.get<std::string>()
                                         : throw Malformed(name, "has something else than text"));
    }
    return texts;
}

bool read_flag(const json& object, const char* name) {
    const json& flag = read_field(object, name);
    return flag.is_boolean() ? flag.get<bool>() : throw Malformed(name, "is neither true nor false");
}

core::Address read_address(const json& object, const char* name) {
    const auto address = core::Address::parse(read_text(object, name, 256));
    return address ? *address : throw Malformed(name, "is no address");
}

core::Milliseconds read_ms(const json& object, const char* name) {
    return core::Milliseconds(static_cast<std::int64_t>(read_number(read_field(object, name), name, 0, ms_max)));
}

std::uint64_t read_number(const json& number, const char* name, std::uint64_t least, std::uint64_t most) {
    // What was parsed out of a text and is not negative is unsigned; what a sender made in memory may be signed.
    const bool whole = number.is_number_unsigned() || (number.is_number_integer() && number.get<std::int64_t>() >= 0);
    if (!whole || number.get<std::uint64_t>() < least || number.get<std::uint64_t>() > most) {
        throw Malformed(name, "is no whole number within its bounds");
    }
    return number.get<std::uint64_t>();
}

}  // namespace appliance::link

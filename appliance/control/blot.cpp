#include "appliance/control/blot.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace appliance::control {
namespace {

using namespace std::string_view_literals;
using Json = nlohmann::ordered_json;

constexpr std::string_view stars = "***";
constexpr std::array telling{"token"sv,      "secret"sv,        "password"sv,      "passwd"sv, "passphrase"sv,
                             "credential"sv, "authorization"sv, "bypass_cookie"sv, "apikey"sv, "bypass_header"sv,
                             "api_key"sv,    "api-key"sv,       "private_key"sv};

bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
}

std::string lower(std::string_view text) {
    std::string low(text);
    std::transform(low.begin(), low.end(), low.begin(), [](unsigned char c) { return std::tolower(c); });
    return low;
}

// A file's name is no secret, and whoever looks for a mistake wants to see it.
bool names_secret(std::string_view word) {
    const std::string low = lower(word);
    return !low.ends_with("_file") && !low.ends_with("-file") &&
           std::any_of(telling.begin(), telling.end(),
                       [&](std::string_view part) { return low.find(part) != std::string::npos; });
}

// One pass over a text, copying what may be seen.
class Blotter {
public:
    explicit Blotter(std::string_view text) : text_(text) {}

    std::string run() {
        while (at_ < text_.size()) {
            if (text_.substr(at_).starts_with("://")) {
                copy(3);
                blot_user();
            } else if (is_word(text_[at_])) {
                word();
            } else {
                copy(1);
            }
        }
        return std::move(out_);
    }

private:
    [[nodiscard]] char now() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    void copy(std::size_t count) {
        out_ += text_.substr(at_, count);
        at_ = std::min(at_ + count, text_.size());
    }
    void copy_blanks() {
        while (now() == ' ' || now() == '\t') {
            copy(1);
        }
    }
    void hide(std::size_t count) {
        out_ += count > 0 ? stars : ""sv;
        at_ += count;
    }

    // user:password@ of a URL.
    void blot_user() {
        const std::size_t end = std::min(text_.find_first_of("/?#\"' \t\r\n", at_), text_.size());
        const std::size_t last = text_.substr(at_, end - at_).rfind('@');
        if (last != std::string_view::npos) {
            hide(last);
        }
    }

    void word() {
        const std::size_t begin = at_;
        while (is_word(now())) {
            ++at_;
        }
        const std::string_view name = text_.substr(begin, at_ - begin);
        out_ += name;
        if (lower(name) == "bearer" || (name.starts_with("--") && names_secret(name) && now() == ' ')) {
            copy_blanks();
            value();
        } else if (names_secret(name)) {
            assigned(lower(name).find("authorization") != std::string::npos);
        }
    }

    // What follows a name: = or :, and what it says. A header's value may have several words.
    void assigned(bool to_line_end) {
        if ((now() == '"' || now() == '\'') && at_ + 1 < text_.size()) {
            const std::size_t behind = text_.find_first_not_of(" \t", at_ + 1);
            const bool key = behind != std::string_view::npos && (text_[behind] == '=' || text_[behind] == ':');
            if (key) {
                copy(1);
            }
        }
        copy_blanks();
        if (now() != '=' && now() != ':') {
            return;
        }
        copy(1);
        copy_blanks();
        if (to_line_end && now() != '"' && now() != '\'') {
            hide(std::min(text_.find_first_of("\"'\r\n", at_), text_.size()) - at_);
        } else {
            value();
        }
    }

    void value() {
        if (now() == '[') {
            const std::size_t end = std::min(text_.find(']', at_), text_.size());
            copy(1);
            hide(end - at_);
        } else if (now() == '"' || now() == '\'') {
            quoted();
        } else {
            hide(std::min(text_.find_first_of(" \t\r\n\"',;&)}]", at_), text_.size()) - at_);
        }
    }

    // Basic and literal strings of TOML, of one line or several; one that does not end goes on to the end of the text.
    void quoted() {
        const char quote = now();
        const std::string three(3, quote);
        const std::string end = text_.substr(at_).starts_with(three) ? three : std::string(1, quote);
        copy(end.size());
        std::size_t to = at_;
        while (to < text_.size() && !text_.substr(to).starts_with(end)) {
            to += quote == '"' && text_[to] == '\\' ? 2 : 1;
        }
        hide(std::min(to, text_.size()) - at_);
        copy(std::min(end.size(), text_.size() - at_));
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string out_;
};

}  // namespace

std::string blot(std::string_view text) {
    return Blotter(text).run();
}

Json blot(Json value) {
    if (value.is_string()) {
        return blot(std::string_view(value.get_ref<const std::string&>()));
    }
    if (value.is_array()) {
        for (Json& item : value) {
            item = blot(std::move(item));
        }
    } else if (value.is_object()) {
        for (auto item = value.begin(); item != value.end(); ++item) {
            const bool secret = names_secret(item.key()) && (item->is_string() || item->is_structured());
            *item = secret ? Json(stars) : blot(std::move(*item));
        }
    }
    return value;
}

}  // namespace appliance::control

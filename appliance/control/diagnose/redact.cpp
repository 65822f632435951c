#include "appliance/control/diagnose/redact.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "appliance/base/bounded_json.hpp"

namespace appliance::control {
namespace {

using namespace std::string_view_literals;
using Json = nlohmann::ordered_json;

constexpr std::string_view stars = "***";
constexpr std::array telling{"token"sv,      "secret"sv,        "password"sv,      "passwd"sv, "passphrase"sv,
                             "credential"sv, "authorization"sv, "bypass_cookie"sv, "apikey"sv, "bypass_header"sv,
                             "api_key"sv,    "api-key"sv,       "private_key"sv,   "headers"sv};

// What runs on an operator's machine, by the names of its settings and fields.
constexpr std::array commands{"run"sv, "rollback"sv, "command"sv};

bool names_command(std::string_view word) {
    // "recipe.x.run" too, as TOML has it.
    const std::string_view last = word.substr(word.rfind('.') + 1);
    return std::find(commands.begin(), commands.end(), last) != commands.end();
}

bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
}

std::string lower(std::string_view text) {
    std::string low(text);
    std::transform(low.begin(), low.end(), low.begin(), [](unsigned char c) { return std::tolower(c); });
    return low;
}

// A file's name is no secret, and it helps to find a mistake.
bool names_secret(std::string_view word) {
    const std::string low = lower(word);
    return !low.ends_with("_file") && !low.ends_with("-file") &&
           std::any_of(telling.begin(), telling.end(),
                       [&](std::string_view part) { return low.find(part) != std::string::npos; });
}

// One pass over a text, copying what may be seen.
class Redactor {
public:
    explicit Redactor(std::string_view text) : text_(text) {}

    std::string run() {
        while (at_ < text_.size()) {
            if (text_.substr(at_).starts_with("://")) {
                copy(3);
                redact_url();
            } else if (text_[at_] == '?') {
                copy(1);
                hide(query_size());
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

    // All of a URL but scheme, host and port. What has a password with a slash in it has no host before the '@'.
    void redact_url() {
        const std::string_view rest = text_.substr(at_, text_.find_first_of("\"'`<> \t\r\n", at_) - at_);
        const std::size_t path = std::min(rest.find_first_of("/?#"), rest.size());
        const std::size_t user = rest.substr(0, path).rfind('@');
        if (user != std::string_view::npos) {
            hide(user);
            copy(path - user);
        } else {
            copy(path);
        }
        if (path + 1 < rest.size()) {
            copy(1);
            hide(rest.size() - path - 1);
        }
    }

    // How much of what follows a question mark is the query of a path; 0: it is none, but a mark of a sentence.
    [[nodiscard]] std::size_t query_size() {
        if (at_ < no_query_until_) {
            return 0;
        }
        const std::size_t end = std::min(text_.find_first_of("\"'`<> \t\r\n\\", at_), text_.size());
        if (text_.substr(at_, end - at_).find('=') != std::string_view::npos) {
            return end - at_;
        }
        no_query_until_ = end;  // so that many question marks take no longer than one
        return 0;
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
        } else if (names_command(name) && is_assigned()) {
            assigned(false);
        }
    }

    // A quoted value follows; "run" is a word of sentences too.
    [[nodiscard]] bool is_assigned() const {
        const bool quoted_name = now() == '"' || now() == '\'';
        std::size_t next = text_.find_first_not_of(" \t", at_ + (quoted_name ? 1 : 0));
        if (next == std::string_view::npos || (text_[next] != '=' && text_[next] != ':')) {
            return false;
        }
        next = text_.find_first_not_of(" \t", next + 1);
        return next != std::string_view::npos && (text_[next] == '"' || text_[next] == '\'');
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
            copy(1);
            hide(list_end() - at_);
        } else if (now() == '"' || now() == '\'') {
            quoted();
        } else {
            hide(std::min(text_.find_first_of(" \t\r\n\"',;&)}]", at_), text_.size()) - at_);
        }
    }

    // Where the bracket stands that ends a list of texts: none within a text does.
    [[nodiscard]] std::size_t list_end() const {
        char quote = '\0';
        std::size_t to = at_;
        for (; to < text_.size() && (quote != '\0' || text_[to] != ']'); ++to) {
            const char c = text_[to];
            if (quote == '"' && c == '\\') {
                ++to;
            } else if (quote == '\0' && (c == '"' || c == '\'')) {
                quote = c;
            } else if (quote == c) {
                quote = '\0';
            }
        }
        return std::min(to, text_.size());
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
    std::size_t no_query_until_ = 0;
    std::string out_;
};

}  // namespace

std::string redact(std::string_view text) {
    return Redactor(text).run();
}

Json redact(Json value) {
    if (value.is_string()) {
        return redact(std::string_view(value.get_ref<const std::string&>()));
    }
    if (value.is_array()) {
        for (Json& item : value) {
            item = redact(std::move(item));
        }
    } else if (value.is_object()) {
        // A line of a rollout's journal, which a command has printed.
        if (value.value("kind", Json()) == "output" && value.contains("text")) {
            value["text"] = stars;
        }
        for (auto item = value.begin(); item != value.end(); ++item) {
            const bool secret = names_secret(item.key()) && (item->is_string() || item->is_structured());
            const bool command = names_command(item.key()) && item->is_string() && !item->empty() && *item != "";
            const bool list = secret && item->is_array();
            *item = list ? Json::array({stars}) : secret || command ? Json(stars) : redact(std::move(*item));
        }
    }
    return value;
}

std::string redact_line(std::string_view line) {
    Json value = base::parse_json<Json>(line, base::wide_bounds);
    if (value.is_discarded()) {
        return redact(line);
    }
    return redact(std::move(value)).dump(-1, ' ', false, Json::error_handler_t::replace) +
           (line.ends_with('\n') ? "\n" : "");
}

}  // namespace appliance::control

#include "appliance/deploy/visit/expectation.hpp"

#include <fmt/format.h>
#include <pcre2.h>

#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/base/bounded_json.hpp"
#include "core/http/characters.hpp"
#include "core/http/fields.hpp"

namespace appliance::deploy {
namespace {

using nlohmann::json;
using Code = std::unique_ptr<pcre2_code, decltype([](pcre2_code* code) { ::pcre2_code_free(code); })>;
using Matches =
    std::unique_ptr<pcre2_match_data, decltype([](pcre2_match_data* data) { ::pcre2_match_data_free(data); })>;

std::string message_of(int error) {
    std::array<PCRE2_UCHAR, 256> text{};
    ::pcre2_get_error_message(error, text.data(), text.size());
    return reinterpret_cast<const char*>(text.data());
}

core::Result<Code> compile(const std::string& expression) {
    int error = 0;
    PCRE2_SIZE at = 0;
    Code code(::pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(), PCRE2_MULTILINE,
                              &error, &at, nullptr));
    if (!code) {
        return core::fail(fmt::format("bad expect_regex '{}'", expression),
                          fmt::format("{} at character {}", message_of(error), at));
    }
    return code;
}

core::Result<std::string> judge_regex(const std::string& expression, const std::string& body) {
    const auto code = compile(expression);
    if (!code) {
        return tl::unexpected(code.error());
    }
    const Matches matches(::pcre2_match_data_create_from_pattern(code->get(), nullptr));
    // The library's own limit of steps ends an expression that would run for ever.
    const int found = ::pcre2_match(code->get(), reinterpret_cast<PCRE2_SPTR>(body.data()), body.size(), 0, 0,
                                    matches.get(), nullptr);
    if (found == PCRE2_ERROR_NOMATCH) {
        return core::fail(fmt::format("the body does not match '{}'", expression));
    }
    if (found < 0) {
        return core::fail(fmt::format("cannot match '{}'", expression), message_of(found), "simplify it");
    }
    return fmt::format("matches '{}'", expression);
}

// "Name: value", "/pointer=value": both sides, without the blanks around them.
std::pair<std::string, std::string> split(const std::string& text, char at) {
    const auto place = text.find(at);
    const auto trimmed = [](std::string_view part) { return std::string(core::http::trim(part)); };
    const std::string_view all = text;
    return place == std::string::npos ? std::pair(trimmed(all), std::string())
                                      : std::pair(trimmed(all.substr(0, place)), trimmed(all.substr(place + 1)));
}

// The first line that is not blank: an operator recognises a wrong page by it.
std::string beginning(std::string_view body) {
    constexpr std::size_t shown_max = 120;
    const auto first = body.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) {
        return body.empty() ? "it is empty" : "it is blank";
    }
    body.remove_prefix(first);
    const std::string_view line = body.substr(0, body.find_first_of("\r\n"));
    return fmt::format("it begins: \"{}\"{}", line.substr(0, shown_max), line.size() > shown_max ? " ..." : "");
}

core::Result<std::string> judge_json(const std::string& wanted, const std::string& body) {
    const auto [pointer, value] = split(wanted, '=');
    const auto read = base::read_json(body, base::wide_bounds);
    if (!read) {
        return tl::unexpected(read.error());
    }
    const json& parsed = *read;
    const json::json_pointer place(pointer);
    if (!parsed.contains(place)) {
        return core::fail(fmt::format("the JSON has no {}", pointer));
    }
    const json& found = parsed[place];
    const std::string seen = found.is_string() ? found.get<std::string>() : found.dump();
    if (seen != value) {
        return core::fail(fmt::format("{} is '{}' and not '{}'", pointer, seen.substr(0, 80), value));
    }
    return fmt::format("{} is '{}'", pointer, value);
}

core::Result<std::string> judge_header(const std::string& wanted, const Answer& answer) {
    const auto [name, value] = split(wanted, ':');
    std::string seen;
    for (const auto& [field, text] : answer.fields) {
        if (core::http::equals_ignoring_case(field, name)) {
            if (text == value) {
                return fmt::format("{}: {}", name, value);
            }
            seen = text;
        }
    }
    return seen.empty() ? core::fail(fmt::format("no header {}", name))
                        : core::fail(fmt::format("header {} is '{}' and not '{}'", name, seen.substr(0, 80), value));
}

}  // namespace

core::Result<std::string> judge(const config::Recipe& recipe, const Answer& answer) {
    if (!recipe.expect_status.contains(static_cast<int>(answer.status))) {
        return core::fail(fmt::format("status {} and not {}", answer.status, recipe.expect_status.text()));
    }
    std::string seen = std::to_string(answer.status);
    const auto add = [&seen](std::string&& more) { seen += ", " + more; };
    core::Result<void> so_far;
    if (!recipe.expect_body.empty()) {
        if (answer.body.find(recipe.expect_body) == std::string::npos) {
            return core::fail(fmt::format("the body does not contain '{}'", recipe.expect_body),
                              beginning(answer.body));
        }
        add(fmt::format("contains '{}'", recipe.expect_body));
    }
    if (!recipe.expect_regex.empty()) {
        so_far = judge_regex(recipe.expect_regex, answer.body).map(add);
    }
    if (!recipe.expect_json.empty()) {
        so_far = so_far.and_then([&] { return judge_json(recipe.expect_json, answer.body).map(add); });
    }
    if (!recipe.expect_header.empty()) {
        so_far = so_far.and_then([&] { return judge_header(recipe.expect_header, answer).map(add); });
    }
    return so_far.map([&seen] { return std::move(seen); });
}

core::Result<std::string> judge_answered(const Answer& answer) {
    return answer.status < 500 ? core::Result<std::string>(std::to_string(answer.status))
                               : core::fail(fmt::format("status {}", answer.status));
}

core::Result<void> check_expectations(const config::Recipe& recipe) {
    if (!recipe.expect_regex.empty()) {
        if (const auto code = compile(recipe.expect_regex); !code) {
            return tl::unexpected(code.error());
        }
    }
    if (!recipe.expect_json.empty()) {
        const auto pointer = split(recipe.expect_json, '=').first;
        if (pointer.size() == recipe.expect_json.size() || !pointer.starts_with('/')) {
            return core::fail(fmt::format("bad expect_json '{}'", recipe.expect_json), "", "write /release/name=2.3");
        }
        try {
            static_cast<void>(json::json_pointer(pointer));
        } catch (const json::exception&) {
            return core::fail(fmt::format("bad expect_json '{}'", recipe.expect_json), "its pointer is none (RFC 6901)",
                              "write /release/name=2.3");
        }
    }
    if (!recipe.expect_header.empty() && recipe.expect_header.find(':') == std::string::npos) {
        return core::fail(fmt::format("bad expect_header '{}'", recipe.expect_header), "", "write 'X-Release: 2.3'");
    }
    return {};
}

}  // namespace appliance::deploy

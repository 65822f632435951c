// The await rules. g++ 12 miscompiles what R1, R2 and R3 forbid; R4 is a lifetime trap in every compiler: a lambda's
// captures die before the body of the coroutine does (docs/internals/io_uring.md, "Coroutines").
#include <cctype>

#include "tests/support/tidy.hpp"

namespace tests::support::tidy {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::string_view await = "co_await";

std::size_t last_before(std::string_view code, std::size_t at) {
    return at == 0 ? npos : code.find_last_not_of(" \n", at - 1);
}

std::string_view word_ending_at(std::string_view code, std::size_t end) {
    std::size_t start = end + 1;
    while (start > 0 && (std::isalnum(static_cast<unsigned char>(code[start - 1])) != 0 || code[start - 1] == '_')) {
        --start;
    }
    return code.substr(start, end + 1 - start);
}

// A '[' opens a lambda unless it indexes something or opens an attribute or a structured binding.
bool opens_lambda(std::string_view code, std::size_t at) {
    if (code[at] != '[' || code.substr(at, 2) == "[[" || (at > 0 && code[at - 1] == '[')) {
        return false;
    }
    const std::size_t before = last_before(code, at);
    if (before == npos) {
        return true;
    }
    const std::string_view word = word_ending_at(code, before);
    if (!word.empty()) {
        return word == "return" || word == "co_return" || word == "co_await";
    }
    const bool binding = code[before] == '&' && word_ending_at(code, last_before(code, before)) == "auto";
    return !binding && code[before] != ')' && code[before] != ']';
}

// Where the statement that holds `at` ends: its ';', or the bracket that closes around it.
std::size_t end_of_statement(std::string_view code, std::size_t at) {
    for (; at < code.size(); ++at) {
        const char c = code[at];
        if (c == '(' || c == '[' || c == '{') {
            at = closing(code, at);
            if (at == npos) {
                return code.size();
            }
        } else if (c == ';' || c == ')' || c == ']' || c == '}') {
            return at;
        }
    }
    return code.size();
}

// Whether anything stands between the start of the statement and `at` that makes the await part of an expression.
bool starts_well(std::string_view code, std::size_t at) {
    const std::size_t before = last_before(code, at);
    if (before == npos) {
        return true;
    }
    const char c = code[before];
    if (c == '=') {
        const char left = before == 0 ? ' ' : code[before - 1];
        return std::string_view("=!<>+-*/|&^%").find(left) == npos;
    }
    const std::string_view word = word_ending_at(code, before);
    return c == ';' || c == '{' || c == '}' || c == ')' || c == ':' || word == "co_return" || word == "else";
}

// Whether a round or square bracket is open around `at`: then the await is an operand, an argument or a condition.
bool inside_brackets(std::string_view code, std::size_t at) {
    int depth = 0;
    for (std::size_t i = at; i-- > 0;) {
        const char c = code[i];
        if (c == ')' || c == ']') {
            ++depth;
        } else if ((c == '(' || c == '[') && --depth < 0) {
            return true;
        } else if (c == '{' || c == '}') {
            return false;
        }
    }
    return false;
}

// An operator behind the operand makes it part of a greater expression.
bool ends_well(std::string_view operand) {
    for (std::size_t i = operand.find_first_not_of(" \n*&"); i < operand.size(); ++i) {
        const char c = operand[i];
        if (c == '(' || c == '[' || c == '{') {
            i = closing(operand, i);
            if (i == npos) {
                return true;
            }
        } else if (operand.substr(i, 2) == "->") {
            ++i;
        } else if (std::string_view("+-/%|^?=,!").find(c) != npos || operand.substr(i, 2) == "&&" ||
                   operand.substr(i, 2) == "==") {
            return false;
        }
    }
    return true;
}

template <typename Judge>
Findings judge_awaits(const Source& source, std::string_view what, Judge bad) {
    Findings findings;
    const std::string_view code = source.code;
    for (const std::size_t at : find_word(code, await)) {
        const std::size_t start = at + await.size();
        if (bad(code, at, code.substr(start, end_of_statement(code, start) - start))) {
            findings.push_back(finding(source, line_of(code, at), what));
        }
    }
    return findings;
}

}  // namespace

Findings check_await_place(const Source& source) {
    return judge_awaits(source, "R1: an await is a whole statement, a whole initialiser, or co_return's operand",
                        [](std::string_view code, std::size_t at, std::string_view operand) {
                            // "operator co_await" is a declaration.
                            const std::size_t before = last_before(code, at);
                            if (before != npos && word_ending_at(code, before) == "operator") {
                                return false;
                            }
                            return !starts_well(code, at) || inside_brackets(code, at) || !ends_well(operand);
                        });
}

Findings check_await_operand(const Source& source) {
    return judge_awaits(source, "R2: no lambda in an await operand",
                        [](std::string_view, std::size_t, std::string_view operand) {
                            for (std::size_t i = 0; i < operand.size(); ++i) {
                                if (opens_lambda(operand, i)) {
                                    return true;
                                }
                            }
                            return false;
                        });
}

Findings check_await_binding(const Source& source) {
    return judge_awaits(source, "R3: name the result of an await, then bind its parts",
                        [](std::string_view code, std::size_t at, std::string_view) {
                            const std::size_t equals = last_before(code, at);
                            const std::size_t close = equals == npos ? npos : last_before(code, equals);
                            if (close == npos || code[equals] != '=' || code[close] != ']') {
                                return false;
                            }
                            std::size_t before = last_before(code, code.rfind('[', close));
                            while (before != npos && code[before] == '&') {
                                before = last_before(code, before);
                            }
                            return before != npos && word_ending_at(code, before) == "auto";
                        });
}

Findings check_lambda_coroutine(const Source& source) {
    Findings findings;
    const std::string_view code = source.code;
    for (std::size_t at = code.find('['); at != npos; at = code.find('[', at + 1)) {
        if (!opens_lambda(code, at) || closing(code, at) == npos) {
            continue;
        }
        const std::size_t body = code.find_first_of("{;", closing(code, at));
        if (body == npos || code[body] == ';' || closing(code, body) == npos) {
            continue;
        }
        const std::string_view inside = code.substr(body, closing(code, body) - body);
        if (!find_word(inside, "co_await").empty() || !find_word(inside, "co_return").empty()) {
            findings.push_back(
                finding(source, line_of(code, at), "R4: a coroutine is a named function, never a lambda"));
        }
    }
    return findings;
}

}  // namespace tests::support::tidy

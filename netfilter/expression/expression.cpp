#include "netfilter/expression/expression.hpp"

#include <fmt/format.h>

#include <string_view>

#include "core/base/verify.hpp"
#include "netfilter/netlink/uapi.hpp"
// libnftnl's header comes after the kernel's.
#include <libnftnl/expr.h>

namespace netfilter {
namespace {

template <typename Kind>
bool decode_as(std::string_view kind, const nftnl_expr* in, std::optional<Expression>& out) {
    if (kind != Kind::name) {
        return false;
    }
    if (auto decoded = Kind::decode(in)) {
        out = std::move(*decoded);
    }
    return true;
}

}  // namespace

void Foreign::print(Phrase& phrase) const {
    phrase.say(fmt::format("<{}>", kind));
}

nftnl_expr* encode(const Expression& expression) {
    return std::visit(
        [](const auto& value) -> nftnl_expr* {
            if constexpr (requires { value.encode(nullptr); }) {
                auto* out = nftnl_expr_alloc(value.name);
                VERIFY(out != nullptr);
                value.encode(out);
                return out;
            } else {
                constexpr bool foreign_is_never_written = false;
                VERIFY(foreign_is_never_written);
                return nullptr;
            }
        },
        expression);
}

Expression decode(const nftnl_expr* in) {
    const char* name = nftnl_expr_get_str(in, NFTNL_EXPR_NAME);
    const std::string_view kind = name == nullptr ? "" : name;
    std::optional<Expression> out;
    static_cast<void>(
        decode_as<Meta>(kind, in, out) || decode_as<Payload>(kind, in, out) || decode_as<Conntrack>(kind, in, out) ||
        decode_as<Bitwise>(kind, in, out) || decode_as<Compare>(kind, in, out) || decode_as<Lookup>(kind, in, out) ||
        decode_as<Verdict>(kind, in, out) || decode_as<Reject>(kind, in, out) || decode_as<Counter>(kind, in, out) ||
        decode_as<Limit>(kind, in, out) || decode_as<Connlimit>(kind, in, out) || decode_as<Dynset>(kind, in, out) ||
        decode_as<Fib>(kind, in, out) || decode_as<Hash>(kind, in, out) || decode_as<Numgen>(kind, in, out) ||
        decode_as<Nat>(kind, in, out) || decode_as<Masquerade>(kind, in, out));
    return out ? *out : Expression{Foreign{std::string(kind)}};
}

std::string print(const std::vector<Expression>& expressions) {
    Phrase phrase;
    for (const auto& expression : expressions) {
        std::visit([&phrase](const auto& value) { value.print(phrase); }, expression);
    }
    return printable(std::move(phrase).text());
}

}  // namespace netfilter

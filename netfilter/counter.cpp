#include "netfilter/counter.hpp"

#include <fmt/format.h>

#include "netfilter/uapi.hpp"
// libnftnl's header comes after the kernel's.
#include <libnftnl/expr.h>

namespace netfilter {

void Counter::encode(nftnl_expr* out) const {
    nftnl_expr_set_u64(out, NFTNL_EXPR_CTR_PACKETS, packets);
    nftnl_expr_set_u64(out, NFTNL_EXPR_CTR_BYTES, bytes);
}

std::optional<Counter> Counter::decode(const nftnl_expr* in) {
    return Counter{nftnl_expr_get_u64(in, NFTNL_EXPR_CTR_PACKETS), nftnl_expr_get_u64(in, NFTNL_EXPR_CTR_BYTES)};
}

void Counter::print(Phrase& phrase) const {
    phrase.say(fmt::format("counter packets {} bytes {}", packets, bytes));
}

}  // namespace netfilter

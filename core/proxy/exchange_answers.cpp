// What the exchange answers itself, in a server's place.
#include <algorithm>

#include "core/proxy/exchange.hpp"
#include "core/proxy/worker.hpp"

namespace core::proxy {

OwnAnswer Exchange::own_answer(int status, std::string_view reason) {
    const bool keep = request_.keep_alive && !session_.ending && request_.framing.empty();
    record_.answered_by = "gatehouse";
    record_.status = static_cast<std::uint16_t>(status);
    record_.error = reason;
    return {.status = status,
            .reason = reason,
            .media = request_.media,
            .head_only = request_.is_head,
            .persistence = keep ? request_.staying : http::Persistence::close};
}

// The page is for when nobody is left; servers that are only busy are no maintenance.
io::Task<bool> Exchange::answer_nobody(Connector::Refusal refusal) {
    if (refusal == Connector::Refusal::nobody) {
        co_return co_await answer_maintenance();
    }
    co_return co_await answer_error(503, explain(refusal));
}

io::Task<bool> Exchange::answer_maintenance() {
    const bool by_hand = pool_ != nullptr && pool_->maintenance.has_value();
    const OwnAnswer answer = own_answer(503, by_hand ? "maintenance" : "no eligible backend");
    const int sent =
        co_await send_maintenance(session_, answer, routing_->snapshot(), by_hand ? &*pool_->maintenance : nullptr);
    record_.sent += static_cast<std::uint64_t>(std::max(sent, 0));
    co_return sent > 0 && answer.persistence != http::Persistence::close;
}

io::Task<bool> Exchange::answer_error(int status, std::string_view reason) {
    const OwnAnswer answer = own_answer(status, reason);
    const int sent = co_await send_error(session_, answer);
    record_.sent += static_cast<std::uint64_t>(std::max(sent, 0));
    co_return sent > 0 && answer.persistence != http::Persistence::close;
}

}  // namespace core::proxy

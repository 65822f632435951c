#include "tests/torture/verdict.hpp"

#include <fmt/format.h>

namespace tests::torture {
namespace {

std::string judge_prefix(const Side& from, const std::string& got) {
    const std::size_t good = alike(from.noise, got);
    if (good != got.size()) {
        return fmt::format("altered at byte {} of {}", good, got.size());
    }
    return got.size() > from.size ? fmt::format("{} bytes where {} were sent", got.size(), from.size) : std::string();
}

std::string judge_all(const Side& from, const std::string& got) {
    std::string wrong = judge_prefix(from, got);
    return wrong.empty() && got.size() != from.size ? fmt::format("{} bytes of {}", got.size(), from.size) : wrong;
}

// After a while the proxy stops receiving from a client that still sends (RFC 9112, 9.6: it lingers). Then the answer
// may be lost on its way.
bool may_be_lost(const Plan& plan) {
    return plan.client.size > 0 && (plan.early || plan.server.cut.receiving());
}

bool is_lost(const Incoming& response) {
    return response.head.empty() || !response.whole;
}

std::string judge_refusal(const Plan& plan, const Incoming& response) {
    if (response.status() == 502 && response.whole) {
        return {};
    }
    if (may_be_lost(plan) && is_lost(response)) {
        return {};
    }
    return fmt::format("the server gave no answer, and instead of a 502 there was {} ({})", response.status(),
                       response.whole ? "whole" : "cut");
}

// The server broke off in the middle of its body. What came must be correct, and must not look complete.
std::string judge_cut_response(const Plan& plan, const Incoming& response, Wire::End end, std::uint64_t sent) {
    if (response.head.empty() && plan.early) {
        return {};
    }
    const bool resets = plan.server.cut.way == Cut::Way::reset;
    if (resets && response.status() == 502 && response.whole) {
        return {};  // RST discards what the server's kernel has not sent yet, perhaps the head
    }
    if (resets && response.head.empty() && end == Wire::End::broken) {
        return {};  // and, passed on, what the proxy's kernel has not
    }
    if (response.status() != plan.status) {
        return fmt::format("status {} where the head had gone out before the break", response.status());
    }
    std::string wrong = judge_prefix(plan.server, response.body);
    if (wrong.empty() && plan.server.framing == Framing::until_close && plan.server.cut.way == Cut::Way::fin) {
        // A FIN ends such a body, wherever it comes.
        const bool right = response.whole ? response.body.size() == sent : may_be_lost(plan);
        return right ? std::string() : fmt::format("{} bytes, whole: {}", response.body.size(), response.whole);
    }
    if (wrong.empty() && response.whole) {
        return "a cut response looks whole";
    }
    const bool all_came = resets || plan.server.framing != Framing::length || may_be_lost(plan);
    if (wrong.empty() && !all_came && response.body.size() != sent) {
        return fmt::format("{} bytes of {} that came before the end", response.body.size(), sent);
    }
    return wrong;
}

}  // namespace

bool excused(const Plan& plan, const Incoming& response, bool reached) {
    return !reached && !plan.repeatable() && response.status() == 502 && response.whole;
}

std::string judge_response(const Plan& plan, const Incoming& response, Wire::End end, bool reached) {
    const bool ours = response.status() != 502;
    if (plan.client.cut.planned()) {
        return ours ? judge_prefix(plan.server, response.body) : std::string();
    }
    if (excused(plan, response, reached)) {
        return {};
    }
    const std::size_t head = compose_response(plan).head.size();
    const Cut& cut = plan.server.cut;
    if (cut.receiving() || (cut.sending() && cut.after < head)) {
        return judge_refusal(plan, response);
    }
    if (cut.sending()) {
        return judge_cut_response(plan, response, end, cut.after - head);
    }
    if (may_be_lost(plan) && is_lost(response)) {
        return judge_prefix(plan.server, response.body);
    }
    if (response.head.empty()) {
        return fmt::format("no answer, but {}; the request has {}come to a server",
                           end == Wire::End::orderly ? "FIN" : "RST", reached ? "" : "not ");
    }
    if (response.status() != plan.status) {
        return fmt::format("status {}", response.status());
    }
    if (!response.whole) {
        return fmt::format("{} after {} bytes of {}", end == Wire::End::orderly ? "FIN" : "RST", response.body.size(),
                           plan.server.size);
    }
    return plan.bodiless() ? std::string() : judge_all(plan.server, response.body);
}

std::string judge_request(const Plan& plan, const Incoming& request) {
    std::string wrong = judge_prefix(plan.client, request.body);
    if (!wrong.empty() || plan.server.cut.planned() || plan.early || plan.client.cut.receiving()) {
        return wrong;
    }
    if (plan.client.cut.sending()) {
        // Only the last chunk, or the trailers after it, may be missing.
        return request.whole && plan.client.framing != Framing::none ? "a cut request looks whole" : std::string();
    }
    return request.whole ? judge_all(plan.client, request.body)
                         : fmt::format("cut after {} bytes of {}", request.body.size(), plan.client.size);
}

std::string judge_stream(const Side& from, const Side& to, const std::string& stream, Wire::End end) {
    std::string wrong = judge_prefix(from, stream);
    if (!wrong.empty() || to.cut.planned()) {
        return wrong;
    }
    const bool whole = stream.size() == from.size && end == Wire::End::orderly;
    const bool broken = end == Wire::End::broken;
    if (from.cut.sending() ? broken : from.cut.receiving() ? broken || whole : whole) {
        return {};
    }
    return fmt::format("{} bytes of {}, then {}", stream.size(), from.size,
                       end == Wire::End::orderly ? "FIN"
                       : broken                  ? "RST"
                                                 : "nothing");
}

}  // namespace tests::torture

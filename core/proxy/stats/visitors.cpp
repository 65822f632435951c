#include "core/proxy/stats/visitors.hpp"

namespace core::proxy {

void Visitors::count(const Record& record, base::Histogram::Duration took) {
    const unsigned kind = record.status / 100U;
    if (kind == 1) {
        return;  // it became a relay
    }
    ++requests;
    if (kind >= 2 && kind <= 5) {
        ++status.at(kind - 2);
    }
    ours += kind == 5 && record.answered_by == "gatehouse" ? 1 : 0;
    broken += record.broken ? 1 : 0;
    retried += record.retries > 0 ? 1 : 0;
    waited += record.queued > 0 ? 1 : 0;
    took_us += static_cast<std::uint64_t>(took.count());
    latency.count(took);
}

void Visitors::add(const Visitors& other) {
    requests += other.requests;
    for (std::size_t at = 0; at < status.size(); ++at) {
        status.at(at) += other.status.at(at);
    }
    ours += other.ours;
    broken += other.broken;
    retried += other.retried;
    waited += other.waited;
    took_us += other.took_us;
    latency.add(other.latency);
}

}  // namespace core::proxy

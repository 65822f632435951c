#include "core/proxy/stats/report.hpp"

#include <algorithm>
#include <functional>

namespace core::proxy {

void add(WorkerReport& sum, const WorkerReport& other) {
    sum.moved.copied += other.moved.copied;
    sum.moved.spliced += other.moved.spliced;
    sum.shortages += other.shortages;
    for (const ListenerReport& listener : other.listeners) {
        const auto same = std::find_if(sum.listeners.begin(), sum.listeners.end(),
                                       [&](const ListenerReport& l) { return l.name == listener.name; });
        if (same == sum.listeners.end()) {
            sum.listeners.push_back(listener);
        } else {
            same->sessions += listener.sessions;
            same->accepted += listener.accepted;
            same->refused += listener.refused;
        }
    }
    for (const BackendReport& backend : other.backends) {
        const auto same = std::find_if(sum.backends.begin(), sum.backends.end(), [&](const BackendReport& b) {
            return b.pool == backend.pool && b.server == backend.server;
        });
        if (same == sum.backends.end()) {
            sum.backends.push_back(backend);
        } else {
            same->active += backend.active;
            same->total += backend.total;
            same->failed += backend.failed;
            std::ranges::transform(same->odd, backend.odd, same->odd.begin(), std::plus<>());
        }
    }
    for (const VisitorsReport& visitors : other.visitors) {
        const auto same = std::find_if(sum.visitors.begin(), sum.visitors.end(),
                                       [&](const VisitorsReport& v) { return v.pool == visitors.pool; });
        if (same == sum.visitors.end()) {
            sum.visitors.push_back(visitors);
        } else {
            same->visitors.add(visitors.visitors);
        }
    }
}

}  // namespace core::proxy

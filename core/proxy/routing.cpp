#include "core/proxy/routing.hpp"

#include <algorithm>

namespace core::proxy {
namespace {

bool holds(std::span<Backend* const> backends, const Backend& wanted) noexcept {
    return std::find(backends.begin(), backends.end(), &wanted) != backends.end();
}

}  // namespace

Pool::Pool(const PoolSpec& spec, std::vector<std::shared_ptr<Backend>> backends, std::shared_ptr<Queue> queue,
           std::shared_ptr<PoolMemory> memory, std::uint64_t seed)
    : spec_(spec),
      backends_(std::move(backends)),
      queue_(std::move(queue)),
      memory_(std::move(memory)),
      strategy_(spec.balance, seed),
      candidates_(backends_.size()) {}

bool Pool::may_use(const Backend& backend, std::span<Backend* const> tried, Among among) noexcept {
    return backend.usable() && backend.room() && (among == Among::all || !backend.limited()) && !holds(tried, backend);
}

Backend* Pool::find_alias(std::string_view alias) const noexcept {
    const auto found = std::find_if(backends_.begin(), backends_.end(),
                                    [&](const auto& backend) { return backend->alias() == alias; });
    return found == backends_.end() ? nullptr : found->get();
}

Usage Pool::pick(const Address& client, std::span<Backend* const> tried, Among among, io::Tick now,
                 Backend* preferred) {
    if (preferred != nullptr && may_use(*preferred, tried, among)) {
        if (Usage usage = Usage::of(*preferred); usage.backend() != nullptr) {
            return usage;
        }
    }
    for (;;) {
        const auto chosen = choose(client, tried, among, now);
        if (!chosen) {
            return {};
        }
        // Another worker may have taken the last of the quota meanwhile; then the backend has no room any more.
        if (Usage usage = Usage::of(*backends_[*chosen]); usage.backend() != nullptr) {
            return usage;
        }
    }
}

bool Pool::crowded(std::span<Backend* const> tried) const noexcept {
    return std::any_of(backends_.begin(), backends_.end(), [&](const std::shared_ptr<Backend>& backend) {
        return backend->usable() && backend->limited() && !holds(tried, *backend);
    });
}

bool Pool::may_hold(io::Tick now) const noexcept {
    return memory_->dark_since && now < *memory_->dark_since + static_cast<io::Tick>(spec_.hold.count());
}

std::optional<std::size_t> Pool::choose(const Address& client, std::span<Backend* const> tried, Among among,
                                        io::Tick now) {
    const bool slow = spec_.slow_start.count() > 0;
    for (std::size_t i = 0; i < backends_.size(); ++i) {
        const Backend& backend = *backends_[i];
        candidates_[i] = {.weight = backend.weight() * (slow ? backend.warmth(spec_.slow_start, now) : 1),
                          .active = backend.active,
                          .identity = backend.identity(),
                          .backup = backend.spec().backup,
                          .eligible = may_use(backend, tried, among)};
    }
    return strategy_.pick(candidates_, client);
}

Routing::Routing(SnapshotRef snapshot, const Routing* previous, Commons& commons, std::uint64_t seed)
    : snapshot_(std::move(snapshot)) {
    pools_.reserve(snapshot_->pools.size());
    for (const PoolSpec& spec : snapshot_->pools) {
        std::vector<std::shared_ptr<Backend>> backends;
        for (const BackendSpec& backend : spec.backends) {
            auto kept = previous != nullptr ? previous->backend(spec.name, backend.server) : nullptr;
            if (kept != nullptr && kept->spec().address == backend.address) {
                kept->update(backend);
            } else {
                kept = std::make_shared<Backend>(spec.name, backend,
                                                 commons.backend(spec.name, backend.server, backend.address));
            }
            backends.push_back(std::move(kept));
        }
        pools_.emplace_back(spec, std::move(backends), commons.queue(spec.name),
                            previous != nullptr ? previous->memory(spec.name) : std::make_shared<PoolMemory>(), seed);
    }
}

Pool* Routing::pool(const std::string& name) noexcept {
    const auto found = std::find_if(pools_.begin(), pools_.end(), [&](const Pool& p) { return p.name() == name; });
    return found == pools_.end() ? nullptr : &*found;
}

std::shared_ptr<Backend> Routing::backend(const std::string& pool, const std::string& server) const {
    for (const Pool& candidate : pools_) {
        if (candidate.name() == pool) {
            for (const auto& backend : candidate.backends()) {
                if (backend->spec().server == server) {
                    return backend;
                }
            }
        }
    }
    return nullptr;
}

std::shared_ptr<PoolMemory> Routing::memory(const std::string& pool) const {
    const auto found = std::find_if(pools_.begin(), pools_.end(), [&](const Pool& p) { return p.name() == pool; });
    return found == pools_.end() ? std::make_shared<PoolMemory>() : found->share_memory();
}

void Routing::apply(const Administration& administration) {
    for (Pool& pool : pools_) {
        pool.maintenance.reset();
        for (const auto& backend : pool.backends()) {
            const bool fenced = std::any_of(
                administration.fences.begin(), administration.fences.end(), [&](const Administration::Fence& fence) {
                    return fence.pool == pool.name() && fence.server == backend->spec().server;
                });
            backend->set_fenced(fenced);
            const auto weight = std::find_if(
                administration.weights.begin(), administration.weights.end(), [&](const Administration::Weight& each) {
                    return each.pool == pool.name() && each.server == backend->spec().server;
                });
            backend->set_weight(weight == administration.weights.end() ? std::nullopt : std::optional(weight->weight));
        }
    }
    for (const Administration::Maintenance& maintenance : administration.maintenance) {
        if (Pool* named = pool(maintenance.pool); named != nullptr) {
            named->maintenance = maintenance;
        }
    }
}

void Routing::settle(io::Tick now) {
    for (Pool& pool : pools_) {
        const bool dark = std::none_of(pool.backends().begin(), pool.backends().end(),
                                       [](const std::shared_ptr<Backend>& backend) { return backend->usable(); });
        std::optional<io::Tick>& since = pool.memory().dark_since;
        since = dark ? since.value_or(now) : std::optional<io::Tick>();
        pool.queue().wake();
    }
}

}  // namespace core::proxy

#include "core/proxy/upstream/routing.hpp"

#include <algorithm>

namespace core::proxy {
namespace {

bool holds(std::span<Backend* const> backends, const Backend& wanted) noexcept {
    return std::find(backends.begin(), backends.end(), &wanted) != backends.end();
}

// The present backends serve on while no check has asked those of `after`. Further reloads do not extend the time that
// the first one has given.
void lean_on(const Pool& before, Pool& after, io::Tick now) {
    std::vector<std::shared_ptr<Backend>> former;
    std::copy_if(before.backends().begin(), before.backends().end(), std::back_inserter(former),
                 [](const std::shared_ptr<Backend>& backend) { return backend->usable(); });
    if (!former.empty()) {
        after.stand_in(std::move(former), now + static_cast<io::Tick>(after.spec().overlap.count()));
    } else {
        after.stand_in(before.standing(), before.former_until());
    }
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
            return standing_.empty() ? Usage() : pick_former(tried, among, now);
        }
        // Another worker may have taken the last of the quota since; then the backend has no room.
        if (Usage usage = Usage::of(*backends_[*chosen]); usage.backend() != nullptr) {
            return usage;
        }
    }
}

std::size_t Pool::sources(int family) const noexcept {
    return static_cast<std::size_t>(std::count_if(spec_.sources.begin(), spec_.sources.end(),
                                                  [&](const Address& each) { return each.family() == family; }));
}

bool Pool::crowded(std::span<Backend* const> tried) const noexcept {
    const auto full = [&](const auto& backend) {
        return backend->usable() && backend->limited() && !holds(tried, *backend);
    };
    return std::any_of(backends_.begin(), backends_.end(), full) ||
           std::any_of(standing_.begin(), standing_.end(), full);
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

bool Pool::usable() const noexcept {
    return std::any_of(backends_.begin(), backends_.end(),
                       [](const std::shared_ptr<Backend>& backend) { return backend->usable(); });
}

void Pool::stand_in(std::vector<std::shared_ptr<Backend>> former, io::Tick until) {
    former_ = std::move(former);
    former_until_ = until;
    std::transform(former_.begin(), former_.end(), std::back_inserter(standing_),
                   [](const std::shared_ptr<Backend>& backend) { return backend.get(); });
}

std::vector<std::shared_ptr<Backend>> Pool::standing() const {
    std::vector<std::shared_ptr<Backend>> standing;
    std::copy_if(former_.begin(), former_.end(), std::back_inserter(standing), [&](const auto& backend) {
        return std::find(standing_.begin(), standing_.end(), backend.get()) != standing_.end();
    });
    return standing;
}

void Pool::dismiss(const std::string& server) {
    std::erase_if(standing_, [&](const Backend* backend) { return backend->spec().server == server; });
}

// No check asks former backends any more. So they take turns, and the next one follows one that fails.
Usage Pool::pick_former(std::span<Backend* const> tried, Among among, io::Tick now) {
    if (now >= former_until_) {
        settle(now);
        return {};
    }
    for (std::size_t step = 0; step < standing_.size() && !usable(); ++step) {
        Backend& backend = *standing_[former_turn_++ % standing_.size()];
        if (may_use(backend, tried, among)) {
            if (Usage usage = Usage::of(backend); usage.backend() != nullptr) {
                return usage;
            }
        }
    }
    return {};
}

void Pool::settle(io::Tick now) {
    const bool dark = !usable();
    if (!dark || now >= former_until_) {
        standing_.clear();
    }
    std::optional<io::Tick>& since = memory_->dark_since;
    since = dark && standing_.empty() ? since.value_or(now) : std::optional<io::Tick>();
    queue_->wake();
}

Routing::Routing(SnapshotRef snapshot, const Routing* previous, Commons& commons, std::uint64_t seed,
                 const Findings& findings, io::Tick now)
    : snapshot_(std::move(snapshot)) {
    pools_.reserve(snapshot_->pools.size());
    for (std::size_t at = 0; at < snapshot_->pools.size(); ++at) {
        const PoolSpec& spec = snapshot_->pools[at];
        const std::vector<Finding> found = findings.empty() ? std::vector<Finding>() : findings[at];
        std::vector<std::shared_ptr<Backend>> backends;
        for (const BackendSpec& backend : spec.backends) {
            auto kept = previous != nullptr ? previous->backend(spec.name, backend.server) : nullptr;
            if (kept != nullptr && kept->spec().address == backend.address) {
                kept->update(backend);
            } else {
                kept = std::make_shared<Backend>(spec.name, backend,
                                                 commons.backend(spec.name, backend.server, backend.address));
                // It was up under another name, and so for a long time: no slow start.
                kept->set_healthy(!found.empty() && found[backends.size()] == Finding::up, 0);
            }
            backends.push_back(std::move(kept));
        }
        pools_.emplace_back(spec, std::move(backends), commons.queue(spec.name),
                            previous != nullptr ? previous->memory(spec.name) : std::make_shared<PoolMemory>(), seed);
        const bool waits = std::find(found.begin(), found.end(), Finding::nothing) != found.end() || found.empty();
        if (const Pool* before = previous != nullptr && waits ? previous->predecessor(*snapshot_, spec.name) : nullptr;
            before != nullptr) {
            lean_on(*before, pools_.back(), now);
        }
    }
}

const Pool* Routing::find(const std::string& pool) const noexcept {
    const auto found = std::find_if(pools_.begin(), pools_.end(), [&](const Pool& p) { return p.name() == pool; });
    return found == pools_.end() ? nullptr : &*found;
}

// The pool that has answered until now what `pool` answers in `next`: the pool of that name, or else the one that a
// listener or route named before.
const Pool* Routing::predecessor(const Snapshot& next, const std::string& pool) const {
    if (const Pool* same = find(pool); same != nullptr) {
        return same;
    }
    for (const ListenerSpec& listener : next.listeners) {
        const auto& all = snapshot_->listeners;
        const auto before = std::find_if(all.begin(), all.end(),
                                         [&](const ListenerSpec& each) { return each.address == listener.address; });
        if (before == all.end()) {
            continue;
        }
        if (listener.pool == pool) {
            return find(before->pool);
        }
        for (const balance::Route& route : listener.routes) {
            if (route.pool == pool) {
                const auto same = std::find_if(
                    before->routes.begin(), before->routes.end(),
                    [&](const balance::Route& each) { return each.host == route.host && each.path == route.path; });
                return find(same == before->routes.end() ? before->pool : same->pool);
            }
        }
    }
    return nullptr;
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
    const Pool* const found = find(pool);
    return found == nullptr ? std::make_shared<PoolMemory>() : found->share_memory();
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
            if (fenced) {
                pool.dismiss(backend->spec().server);
            }
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
        pool.settle(now);
    }
}

}  // namespace core::proxy

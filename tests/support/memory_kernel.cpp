#include "tests/support/memory_kernel.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/base/duration.hpp"

#include "core/base/clock.hpp"

namespace netfilter {
namespace {

using Tables = std::map<std::string, Memory::Tables, std::less<>>;

// `expires` holds the moment of the end while an element is kept, as milliseconds since the machine's start.
core::Milliseconds end_of(core::Milliseconds timeout) {
    return core::BootClock::now().time_since_epoch() + timeout;
}

std::optional<Element> alive(const Element& kept) {
    Element shown = kept;
    if (kept.expires) {
        shown.expires = *kept.expires - core::BootClock::now().time_since_epoch();
        if (*shown.expires <= core::Milliseconds{0}) {
            return std::nullopt;
        }
    }
    return shown;
}

Memory::Holding* find_map(Memory::Tables& table, std::string_view name) {
    const auto found = std::find_if(table.maps.begin(), table.maps.end(),
                                    [name](const Memory::Holding& each) { return each.map.name == name; });
    return found == table.maps.end() ? nullptr : &*found;
}

// Does one operation; the errno where the kernel would refuse it, else 0.
class Doer {
public:
    Doer(Tables& tables, const std::string& name) : tables_(tables), name_(name) {}

    int operator()(const AddTable& add) {
        const auto [at, made] = tables_.try_emplace(add.table.name);
        if (made) {
            at->second.table = add.table;
        }
        return 0;
    }
    int operator()(const RemoveTable& remove) {
        tables_.erase(remove.name);
        return 0;
    }
    int operator()(const AddChain& add) {
        return with_table([&](Memory::Tables& table) {
            table.chains.push_back(add.chain);
            return 0;
        });
    }
    int operator()(const AddMap& add) {
        return with_table([&](Memory::Tables& table) {
            if (find_map(table, add.map.name) == nullptr) {
                table.maps.push_back({add.map, {}});
            }
            return 0;
        });
    }
    int operator()(const AddRule& add) {
        return with_table([&](Memory::Tables& table) {
            if (!has_chain(table, add.rule.chain)) {
                return ENOENT;
            }
            table.rules.push_back(add.rule);
            return 0;
        });
    }
    int operator()(const AddElements& add) {
        return with_map(add.map.name, [&](Memory::Tables& table, Memory::Holding& holding) {
            for (const auto& element : add.elements) {
                if (!element.verdict.chain.empty() && !has_chain(table, element.verdict.chain)) {
                    return ENOENT;
                }
                if (const auto old = holding.elements.find(element.key); old != holding.elements.end()) {
                    if (alive(old->second)) {
                        return EEXIST;
                    }
                    holding.elements.erase(old);
                }
                auto& kept = holding.elements.emplace(element.key, element).first->second;
                kept.counts = holding.map.counters ? std::optional(element.counts.value_or(Counts{})) : std::nullopt;
                kept.expires = element.timeout ? std::optional(end_of(*element.timeout)) : std::nullopt;
            }
            return 0;
        });
    }
    int operator()(const RemoveElements& remove) {
        return with_map(remove.map.name, [&](Memory::Tables&, Memory::Holding& holding) {
            for (const auto& key : remove.keys) {
                holding.elements.erase(key);
            }
            return 0;
        });
    }

private:
    static bool has_chain(const Memory::Tables& table, const std::string& name) {
        return std::any_of(table.chains.begin(), table.chains.end(),
                           [&name](const Chain& chain) { return chain.name == name; });
    }
    template <typename Use>
    int with_table(Use use) {
        const auto found = tables_.find(name_);
        return found == tables_.end() ? ENOENT : use(found->second);
    }
    template <typename Use>
    int with_map(const std::string& map, Use use) {
        return with_table([&](Memory::Tables& table) {
            auto* holding = find_map(table, map);
            return holding == nullptr ? ENOENT : use(table, *holding);
        });
    }

    Tables& tables_;
    const std::string& name_;
};

Commit run(const Transaction& transaction, Tables& tables) {
    Doer doer(tables, transaction.table());
    for (std::size_t i = 0; i < transaction.operations().size(); ++i) {
        if (const int error = std::visit(doer, transaction.operations()[i]); error != 0) {
            return {Outcome::rejected, error, transaction.text(i, static_cast<std::size_t>(-1)), {}};
        }
    }
    return {Outcome::committed, 0, {}, {}};
}

}  // namespace

core::Result<Snapshot> MemoryKernel::snapshot(std::string_view table, Depth depth) {
    Snapshot snapshot;
    snapshot.generation = memory_->generation;
    const auto found = memory_->tables.find(table);
    if (found == memory_->tables.end()) {
        return snapshot;
    }
    snapshot.table = found->second.table;
    snapshot.chains = found->second.chains;
    snapshot.rules = found->second.rules;
    for (const auto& [map, elements] : found->second.maps) {
        auto& contents = snapshot.maps.emplace_back(Contents{map, {}});
        if (depth == Depth::structure) {
            continue;
        }
        for (const auto& [key, kept] : elements) {
            if (auto shown = alive(kept)) {
                contents.elements.push_back(std::move(*shown));
            }
        }
    }
    return snapshot;
}

core::Result<std::optional<Element>> MemoryKernel::element(std::string_view table, std::string_view map,
                                                           const Key& key) {
    const auto found = memory_->tables.find(table);
    const auto* holding = found == memory_->tables.end() ? nullptr : find_map(found->second, map);
    if (holding == nullptr) {
        return std::optional<Element>();
    }
    const auto kept = holding->elements.find(key);
    return kept == holding->elements.end() ? std::nullopt : alive(kept->second);
}

Commit MemoryKernel::commit(const Transaction& transaction, std::optional<std::uint32_t> generation) {
    if (transaction.empty()) {
        return {Outcome::committed, 0, {}, {}};
    }
    if (const auto error = std::exchange(memory_->refuse_commit, std::nullopt)) {
        return {Outcome::rejected, *error, {}, {}};
    }
    if (generation && *generation != memory_->generation) {
        return {Outcome::stale, ERESTART, {}, "the ruleset was changed in between"};
    }
    auto tables = memory_->tables;
    auto result = run(transaction, tables);
    if (result.outcome == Outcome::committed) {
        memory_->tables = std::move(tables);
        ++memory_->generation;
        ++memory_->commits;
    }
    return result;
}

Commit MemoryKernel::check(const Transaction& transaction) {
    auto tables = memory_->tables;
    return run(transaction, tables);
}

core::Result<Reaped> MemoryKernel::reap(const Destination& destination) {
    if (memory_->before_reap) {
        memory_->before_reap();
    }
    if (const auto error = std::exchange(memory_->refuse_reap, std::nullopt)) {
        return core::fail_os("cannot end established connections", *error);
    }
    const auto found = memory_->flows.extract({destination.backend, destination.protocol});
    return found.empty() ? Reaped{} : found.mapped();
}

core::Result<std::uint64_t> MemoryKernel::count_redirected(const Destination& destination) {
    const auto found = memory_->flows.find({destination.backend, destination.protocol});
    return found == memory_->flows.end() ? 0 : found->second.forwarded;
}

core::Result<void> MemoryKernel::set_forwarding(bool v4, const Forwarding& wanted) {
    if (memory_->refuse_forwarding != 0) {
        return core::fail_os("cannot switch forwarding", memory_->refuse_forwarding);
    }
    memory_->forwarding.at(v4 ? 1 : 0) = wanted;
    return {};
}

}  // namespace netfilter

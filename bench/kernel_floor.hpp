// Floor: the smallest change that the kernel can commit, as a reference for the benchmarks of fences.
#pragma once

#include <fmt/format.h>
#include <netinet/in.h>

#include <memory>
#include <stdexcept>
#include <type_traits>

#include "netfilter/fence/fence_table.hpp"
#include "netfilter/kernel/kernel.hpp"

namespace bench {

template <typename Value>
Value need(core::Result<Value> result) {
    if (!result) {
        throw std::runtime_error(result.error().line());
    }
    if constexpr (!std::is_void_v<Value>) {
        return std::move(*result);
    }
}

// Backend number i of a bench: 10.x.y.z:80, a different one for each i below 2^24.
inline core::Address backend(std::size_t i) {
    return need(core::Address::parse(fmt::format("10.{}.{}.{}:80", i >> 16 & 255, i >> 8 & 255, i & 255)));
}

// The cost of any change: adds one bare element to a set of a table of its own, and removes it. An empty batch would
// measure nothing, because the kernel returns before it commits.
class Floor {
public:
    Floor() : kernel_(need(netfilter::NetlinkKernel::open())) {
        netfilter::Transaction made(name);
        made.add(netfilter::AddTable{{name, {}, 0}});
        made.add(netfilter::AddMap{set_});
        commit(made);
        element_.key = netfilter::key_of(backend(1), IPPROTO_TCP);
    }
    Floor(const Floor&) = delete;
    Floor& operator=(const Floor&) = delete;
    ~Floor() {
        netfilter::Transaction removal(name);
        removal.add(netfilter::RemoveTable{name});
        static_cast<void>(kernel_->commit(removal, std::nullopt));
    }
    void add() {
        netfilter::Transaction transaction(name);
        transaction.add(netfilter::AddElements{set_, {element_}});
        commit(transaction);
    }
    void remove() {
        netfilter::Transaction transaction(name);
        transaction.add(netfilter::RemoveElements{set_, {element_.key}});
        commit(transaction);
    }

private:
    static constexpr const char* name = "floor";
    void commit(const netfilter::Transaction& transaction) {
        if (kernel_->commit(transaction, std::nullopt).outcome != netfilter::Outcome::committed) {
            throw std::runtime_error("the kernel does not take a set of our own");
        }
    }
    std::unique_ptr<netfilter::Kernel> kernel_;
    netfilter::Map set_{
        "floor",
        {netfilter::KeyType::ipv4_addr, netfilter::KeyType::inet_proto, netfilter::KeyType::inet_service},
        0,
        false,
        false};
    netfilter::Element element_;
};

}  // namespace bench

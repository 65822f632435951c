// Sources: how many sessions each client address has open, in all workers together, so that one client cannot take all
// of them. An IPv6 address counts with its /64, which is what one customer is given at least.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

#include "core/base/address.hpp"

namespace core::proxy {

// What client counts as: its address, or the first 64 bits of an IPv6 address.
std::uint64_t source_of(const Address& client) noexcept;

class Sources {
public:
    // One session of its source, for as long as it lives; empty where made without one. Must not outlive its Sources.
    class Place {
    public:
        Place() = default;
        Place(Place&& other) noexcept : home_(std::exchange(other.home_, nullptr)), source_(other.source_) {}
        Place& operator=(Place&& other) noexcept {
            std::swap(home_, other.home_);
            std::swap(source_, other.source_);
            return *this;
        }
        ~Place() {
            if (home_ != nullptr) {
                home_->leave(source_);
            }
        }
        [[nodiscard]] bool taken() const noexcept { return home_ != nullptr; }

    private:
        friend class Sources;
        Place(Sources& home, std::uint64_t source) noexcept : home_(&home), source_(source) {}

        Sources* home_ = nullptr;
        std::uint64_t source_ = 0;
    };

    // Any thread. limit: at least 1. Empty where client's source has that many places already.
    Place enter(const Address& client, std::uint32_t limit);

private:
    // A shard for each 16th of the sources, so that workers seldom wait for each other. Ordered: nobody can choose
    // addresses that make it slow.
    struct Shard {
        std::mutex mutex;
        std::map<std::uint64_t, std::uint32_t> sessions;
    };
    void leave(std::uint64_t source) noexcept;
    Shard& shard(std::uint64_t source) noexcept;

    std::array<Shard, 16> shards_;
};

}  // namespace core::proxy

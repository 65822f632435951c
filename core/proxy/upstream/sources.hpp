// Sources: how many sessions each client address has open, over all workers, so that one client cannot take all
// sessions. An IPv6 address counts with its /64, the least that one customer gets.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

#include "core/base/address.hpp"

namespace core::proxy {

// The source of client: its address, or the first 64 bits of an IPv6 address.
std::uint64_t source_of(const Address& client) noexcept;

class Sources {
public:
    // One session of its source, while it lives; empty where made without one. Must not outlive its Sources.
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
    // One shard for each 16th of the sources, so that workers seldom wait for each other. An ordered map: no choice of
    // addresses makes it slow.
    struct Shard {
        std::mutex mutex;
        std::map<std::uint64_t, std::uint32_t> sessions;
    };
    void leave(std::uint64_t source) noexcept;
    Shard& shard(std::uint64_t source) noexcept;

    std::array<Shard, 16> shards_;
};

}  // namespace core::proxy

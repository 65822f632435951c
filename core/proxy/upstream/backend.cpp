#include "core/proxy/upstream/backend.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace core::proxy {

Backend::Backend(std::string pool, BackendSpec spec, std::shared_ptr<BackendCommons> commons)
    : pool_(std::move(pool)),
      spec_(std::move(spec)),
      commons_(std::move(commons)),
      identity_(balance::identity_of(spec_.address)),
      alias_(fmt::format("{:016x}", balance::identity_of(pool_, spec_.server))) {}

void Backend::set_healthy(bool healthy, io::Tick now) {
    if (healthy && !healthy_) {
        up_since_ = now;
    }
    healthy_ = healthy;
    if (!healthy_) {
        close_idle();
    }
}

void Backend::set_fenced(bool fenced) {
    fenced_ = fenced;
    if (fenced_) {
        close_idle();
    }
}

std::unique_ptr<Connection> Backend::take_idle(io::Tick idle_below) {
    while (!idle_.empty() && idle_.back()->socket.loop().now() - idle_.back()->idle_since < idle_below) {
        std::unique_ptr<Connection> connection = std::move(idle_.back());
        idle_.pop_back();
        if (connection->inbox.quiet()) {
            return connection;
        }
    }
    return nullptr;
}

void Backend::keep(std::unique_ptr<Connection> connection) {
    if (healthy_ && !fenced_ && idle_.size() < idle_max) {
        connection->rest();
        idle_.push_back(std::move(connection));
    }
}

void Backend::sweep(io::Tick now) {
    std::erase_if(idle_, [now](const std::unique_ptr<Connection>& connection) {
        return now - connection->idle_since > idle_for || !connection->inbox.quiet();
    });
}

std::uint32_t Backend::warmth(Milliseconds slow_start, io::Tick now) const noexcept {
    const auto whole = static_cast<io::Tick>(slow_start.count());
    const io::Tick up = now - up_since_;
    return up >= whole ? 100 : static_cast<std::uint32_t>(std::max<io::Tick>(1, up * 100 / whole));
}

bool Backend::count_failure(const Address* visitor, io::Tick now) {
    ++failed;
    const auto source = visitor == nullptr ? std::nullopt : std::optional(source_of(*visitor));
    if (spec_.passive_fall == 0 || !commons_->streak.fail(spec_.passive_fall, source)) {
        return false;
    }
    set_healthy(false, now);
    return true;
}

http::Oddities Backend::count_odd(http::Oddities oddities, io::Tick now) {
    oddities.each([this](http::Oddity one) { ++odd.at(static_cast<std::size_t>(one)); });
    untold_.add(oddities);
    io::Tick told = commons_->odd_told.load();
    if ((told != 0 && now - told < odd_quiet) || !commons_->odd_told.compare_exchange_strong(told, now)) {
        return {};
    }
    return std::exchange(untold_, {});
}

Usage Usage::of(Backend& backend) {
    Usage usage;
    if (backend.limited() && !backend.quota().take(backend.spec().max_connections)) {
        return usage;
    }
    ++backend.active;
    ++backend.total;
    usage.backend_ = &backend;
    usage.limited_ = backend.limited();
    return usage;
}

Usage Usage::beyond_limit(Backend& backend) {
    Usage usage;
    ++backend.active;
    ++backend.total;
    usage.backend_ = &backend;
    return usage;
}

Usage::~Usage() {
    if (backend_ != nullptr) {
        --backend_->active;
        if (limited_) {
            backend_->quota().give_back();
        }
    }
}

}  // namespace core::proxy

#include "appliance/control/state/state_keeper.hpp"

#include <unistd.h>

#include <utility>

#include "appliance/state/folder.hpp"

namespace appliance::control {

StateKeeper::StateKeeper(std::filesystem::path folder, OnChange on_change)
    : folder_(std::move(folder)), on_change_(std::move(on_change)) {}

Administration StateKeeper::load() {
    auto loaded = open().and_then([this] { return store_->load(wall_offset_); });
    if (!loaded) {
        store_.reset();
        set(tl::unexpected(std::move(loaded.error())), false);
        return {};
    }
    loaded_ = true;
    return std::move(*loaded);
}

// The operator may have made room, or the folder writable, meanwhile.
core::Result<void> StateKeeper::open() {
    if (!store_ || !store_->writable()) {
        store_.reset();
        auto opened = Store::open(folder_);
        if (!opened) {
            return tl::unexpected(std::move(opened.error()));
        }
        store_.emplace(std::move(*opened));
    }
    return {};
}

// A state that could not be read at the start is read before anything is written over it.
core::Result<void> StateKeeper::write(const Administration& administration) {
    if (auto opened = open(); !opened) {
        return opened;
    }
    if (!loaded_) {
        auto found = store_->load(wall_offset_);
        if (!found) {
            return tl::unexpected(std::move(found.error()));
        }
        late_ = std::move(*found);
        return core::fail("the stored state has just become readable", "it is being taken over", "try again");
    }
    return store_->save(administration, wall_offset_);
}

std::optional<Administration> StateKeeper::take_late() {
    if (!late_) {
        return std::nullopt;
    }
    loaded_ = true;
    return std::exchange(late_, std::nullopt);
}

void StateKeeper::look() {
    if (const auto found = state::check_folder(folder_, ::geteuid()); !found) {
        set(found, trouble() && trouble()->unsaved);
    }
}

core::Result<void> StateKeeper::save(const Administration& administration) {
    auto saved = write(administration);
    set(saved, trouble() && trouble()->unsaved);
    return saved;
}

void StateKeeper::keep(const Administration& administration) {
    set(write(administration), true);
}

std::optional<StateTrouble> StateKeeper::trouble() const {
    const std::lock_guard lock(mutex_);
    return trouble_;
}

void StateKeeper::set(const core::Result<void>& outcome, bool unsaved) {
    std::optional<StateTrouble> next;
    {
        const std::lock_guard lock(mutex_);
        if (!outcome) {
            next = {outcome.error().line(), trouble_ ? trouble_->since : core::base::wall_now(), unsaved};
        }
        if (next == trouble_) {
            return;
        }
        trouble_ = next;
    }
    on_change_(next);
}

}  // namespace appliance::control

// StateKeeper: the administrative state and the disk that it is kept on. One rule decides what happens while the disk
// refuses it (docs/internals/state_and_clocks.md, "The state folder in trouble"). What makes visitors safer, a fence or
// the page, goes on in memory and is written when there is room. What opens something is refused. Control calls it
// under its lock, but for trouble().
#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "appliance/control/model/record.hpp"
#include "appliance/control/state/store.hpp"
#include "core/base/result.hpp"

namespace appliance::control {

// What the disk has said, and since when.
struct StateTrouble {
    std::string why;
    core::WallTime since{};
    bool unsaved = false;  // memory and kernel hold something that the disk does not

    friend bool operator==(const StateTrouble&, const StateTrouble&) = default;
};

class StateKeeper {
public:
    // on_change: told whenever trouble() begins, changes or ends.
    using OnChange = std::function<void(const std::optional<StateTrouble>&)>;

    StateKeeper(std::filesystem::path folder, OnChange on_change);

    // wall_offset: how far the wall clock is ahead of the boot clock (WallSteps::offset()); the fences' ends are told
    // by the wall clock. Told before load(), and before what has followed a step is kept.
    void follow_clock(core::Milliseconds wall_offset) noexcept { wall_offset_ = wall_offset; }
    // At the start, once. Empty where the state cannot be read: trouble() says why.
    Administration load();
    // The state is on the disk when this returns. After an error the disk holds what it held before.
    core::Result<void> save(const Administration& administration);
    // Keeps the state: on the disk where that is possible, else the next save() that succeeds writes it.
    void keep(const Administration& administration);
    // Looks whether the folder would take a change now, without writing (state::check_folder).
    void look();
    // What the disk held, where it could be read only after load() had failed; once. The caller merges it, and saves:
    // until then every save fails, so that nothing unread is overwritten.
    std::optional<Administration> take_late();

    // Whether what the disk holds is in what load() or take_late() returned. While it is not, nothing that an order
    // names can be said not to be there.
    [[nodiscard]] bool known() const noexcept { return loaded_; }

    // Any thread.
    [[nodiscard]] std::optional<StateTrouble> trouble() const;

private:
    core::Result<void> open();
    core::Result<void> write(const Administration& administration);
    void set(const core::Result<void>& outcome, bool unsaved);

    const std::filesystem::path folder_;
    const OnChange on_change_;
    std::optional<Store> store_;
    core::Milliseconds wall_offset_{};
    bool loaded_ = false;  // what the disk holds is known
    std::optional<Administration> late_;
    mutable std::mutex mutex_;
    std::optional<StateTrouble> trouble_;
};

}  // namespace appliance::control

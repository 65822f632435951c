// Store: keeps the administrative state across crashes and reboots, in `gatehouse.db` in the state folder. Not thread
// safe; the control process calls it under its lock.
#pragma once

#include <filesystem>

#include "appliance/control/model/record.hpp"
#include "appliance/state/database.hpp"
#include "core/base/clock.hpp"
#include "core/base/result.hpp"

namespace appliance::control {

using state::Database;
using state::Statement;

class Store {
public:
    // Errors: the folder is missing or cannot be written, the file is corrupt or of a newer Gatehouse. A file is never
    // removed or overwritten to get on.
    static core::Result<Store> open(const std::filesystem::path& folder);
    [[nodiscard]] bool writable() const noexcept { return database_.writable(); }

    // wall_offset: how far the wall clock is ahead of the boot clock. Ends are told by the wall clock; the file keeps
    // the ends of timed fences by the boot clock.
    core::Result<Administration> load(core::Milliseconds wall_offset = core::base::WallSteps().offset());
    // Replaces all of it in one transaction, on the disk when this returns. After an error the old state stands.
    core::Result<void> save(const Administration& administration,
                            core::Milliseconds wall_offset = core::base::WallSteps().offset());

private:
    explicit Store(Database database) : database_(std::move(database)) {}
    core::Result<void> prepare_schema();
    core::Result<void> write(const Administration& administration, core::Milliseconds wall_offset);
    core::Result<void> write_details(const Administration& administration, core::Milliseconds wall_offset);

    Database database_;
};

}  // namespace appliance::control

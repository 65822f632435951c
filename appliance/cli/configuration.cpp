#include "appliance/cli/configuration.hpp"

#include <fmt/format.h>

#include "appliance/cli/change.hpp"
#include "appliance/cli/exit_code.hpp"
#include "appliance/config/config.hpp"
#include "appliance/config/text_file.hpp"

namespace appliance::cli {

Outcome apply_configuration(const Options& options, const std::string& claimed_by) {
    auto text = config::read_text(options.config, config::Bounds::file_bytes);
    if (!text) {
        return {wrong_usage, {}, fmt::format("gatehouse: {}\n", clean(text.error().line()))};
    }
    Options full = options;
    full.text = std::move(*text);
    return change(full, claimed_by);
}

}  // namespace appliance::cli

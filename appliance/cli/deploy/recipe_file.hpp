// RecipeFile: [deploy.NAME] of a file on this machine, for its commands. The rest of the file is not looked at.
#pragma once

#include <filesystem>
#include <string>

#include "appliance/cli/client/common.hpp"
#include "appliance/cli/deploy/permit.hpp"
#include "core/base/result.hpp"

namespace appliance::cli {

// The commands of that recipe. Errors: the file cannot be read, is not TOML, or has no such recipe; a command is no
// text, or names an unknown placeholder.
core::Result<OwnCommands> read_recipe_file(const std::filesystem::path& file, const std::string& recipe);

// The same from the configuration of common's daemon, where it is as good as the operator's own word. For that, root or
// this user listens on the socket, and only they can write the file (check_trusted). No commands where it is not so,
// and where the file has no such recipe.
OwnCommands local_recipe(const Common& common, const std::string& recipe);

}  // namespace appliance::cli

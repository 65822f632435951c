#include "appliance/cli/deploy/recipe_file.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "appliance/config/file/tree.hpp"
#include "appliance/config/model/config.hpp"
#include "appliance/config/values/placeholder.hpp"
#include "appliance/config/values/text_file.hpp"
#include "core/base/descriptor.hpp"
#include "core/base/trusted_path.hpp"

namespace appliance::cli {
namespace {

const config::Node* child(const config::Node* node, std::string_view key) {
    if (node == nullptr || node->kind != config::Kind::table) {
        return nullptr;
    }
    const auto found = std::find_if(node->table.begin(), node->table.end(),
                                    [key](const config::Entry& entry) { return entry.key == key; });
    return found == node->table.end() ? nullptr : &found->value;
}

core::Result<std::optional<std::string>> command_in(const config::Node& recipe, const char* key) {
    const config::Node* const found = child(&recipe, key);
    if (found == nullptr) {
        return std::optional<std::string>();
    }
    if (found->kind != config::Kind::text) {
        return core::fail(fmt::format("'{}' of the recipe is no command", key));
    }
    return config::check_placeholders(found->text).map([found] { return std::optional(found->text); });
}

// The process that listens there: the supervisor. Error: none does, or it is no socket.
core::Result<ucred> listener_of(const std::string& path) {
    const core::base::Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (!probe.valid() || path.size() >= sizeof(address.sun_path)) {
        return core::fail("no socket");
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    ucred facts{};
    socklen_t size = sizeof(facts);
    if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        ::getsockopt(probe.get(), SOL_SOCKET, SO_PEERCRED, &facts, &size) != 0) {
        return core::fail("nobody listens");
    }
    return facts;
}

// The file that this process was started with, by its own command line and not by what it answers; empty where that
// cannot be seen from here.
std::filesystem::path configuration_of(pid_t pid) {
    std::ifstream in(fmt::format("/proc/{}/cmdline", pid), std::ios::binary);
    std::string file;
    for (std::string word; std::getline(in, word, '\0');) {
        for (const std::string_view flag : {"--config=", "-c"}) {
            if (word.starts_with(flag) && word != flag) {
                file = word.substr(flag.size());
            }
        }
        if (word == "-c" || word == "--config") {
            std::getline(in, file, '\0');
        }
    }
    std::error_code error;
    const auto folder = std::filesystem::read_symlink(fmt::format("/proc/{}/cwd", pid), error);
    return file.empty() ? std::filesystem::path() : (error ? std::filesystem::path() : folder) / file;
}

}  // namespace

core::Result<OwnCommands> read_recipe_file(const std::filesystem::path& file, const std::string& recipe) {
    const auto text = config::read_text(file, config::Bounds::file_bytes);
    if (!text) {
        return tl::unexpected(text.error());
    }
    const auto tree = config::read_tree(*text, file.string());
    if (!tree) {
        return core::fail(tree.error().text());
    }
    const config::Node* const found = child(child(&*tree, "deploy"), recipe);
    if (found == nullptr || found->kind != config::Kind::table) {
        return core::fail(fmt::format("no recipe '{}' in {}", recipe, file.string()), "",
                          fmt::format("write [deploy.{}] with run = \"…\"", recipe));
    }
    auto run = command_in(*found, "run");
    auto rollback = command_in(*found, "rollback");
    if (!run || !rollback) {
        core::Error error = run ? rollback.error() : run.error();
        error.what = fmt::format("{}: {}", file.string(), error.what);
        return tl::unexpected(std::move(error));
    }
    return OwnCommands{std::move(*run), std::move(*rollback)};
}

OwnCommands local_recipe(const Common& common, const std::string& recipe) {
    if (common.remote || recipe.empty()) {
        return {};
    }
    const auto listener = listener_of(common.socket);
    if (!listener || (listener->uid != 0 && listener->uid != ::geteuid())) {
        return {};
    }
    const auto file = configuration_of(listener->pid);
    if (!core::base::check_trusted(file, ::geteuid())) {
        return {};
    }
    auto commands = read_recipe_file(file, recipe);
    return commands ? std::move(*commands) : OwnCommands();
}

}  // namespace appliance::cli

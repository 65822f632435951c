#include "appliance/config/file/load.hpp"

#include "appliance/config/file/reader.hpp"
#include "appliance/config/file/tree.hpp"
#include "appliance/config/values/text_file.hpp"

namespace appliance::config {

tl::expected<Config, Problems> load(const std::filesystem::path& file) {
    const auto text = read_text(file, Bounds::file_bytes);
    if (!text) {
        Problem problem{file.string(), 0, 0, "cannot read the configuration: " + text.error().why,
                        "name the file with -c FILE"};
        return tl::unexpected(Problems{std::move(problem)});
    }
    return parse(*text, file);
}

tl::expected<Config, Problems> parse(std::string_view text, const std::filesystem::path& file) {
    auto tree = read_tree(text, file.string());
    if (!tree) {
        return tl::unexpected(Problems{std::move(tree.error())});
    }
    Config config;
    config.file = file;
    Report report(file.string());
    Reader(*tree, config, report).read();
    if (!report.empty()) {
        return tl::unexpected(report.take());
    }
    return config;
}

}  // namespace appliance::config

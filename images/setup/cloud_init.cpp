#include "images/setup/cloud_init.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "images/setup/base64.hpp"

namespace images::setup {
namespace {

using core::base::fail;
using core::base::Result;

constexpr std::string_view folder = "/etc/gatehouse/";

std::string scalar(const YAML::Node& node) {
    return node && node.IsScalar() ? node.Scalar() : std::string();
}

// Calls read with the document, and makes one line of what yaml-cpp throws.
template <typename Value, typename Read>
Result<Value> read_yaml(std::string_view text, const char* what, Read read) {
    try {
        return read(YAML::Load(std::string(text)));
    } catch (const YAML::Exception& error) {
        return fail(fmt::format("{} is no YAML", what), fmt::format("line {}: {}", error.mark.line + 1, error.msg));
    }
}

Result<void> take_file(const YAML::Node& entry, UserData& found) {
    const std::string path = scalar(entry["path"]);
    const std::string name = path.substr(std::min(folder.size(), path.size()));
    if (!path.starts_with(folder) || name.empty() || name.find('/') != std::string::npos) {
        found.passed_over.push_back(fmt::format("write_files: '{}' is not in {}", path, folder));
        return {};
    }
    const std::string encoding = scalar(entry["encoding"]);
    std::string content = scalar(entry["content"]);
    if (encoding == "b64" || encoding == "base64") {
        std::erase_if(content, [](char c) { return c == '\n' || c == ' '; });
        auto decoded = decode_base64(content);
        if (!decoded) {
            return fail(fmt::format("{} is no base64", path));
        }
        content = std::move(*decoded);
    } else if (!encoding.empty() && encoding != "text/plain") {
        return fail(fmt::format("{} has the encoding '{}'", path, encoding), "", "write it as text or as b64");
    }
    found.files[name] = std::move(content);
    return {};
}

// Lines of network_file, as they are found.
struct Lines {
    std::string text;
    bool dhcp = false;

    void add(const char* key, const std::string& value) {
        if (!value.empty()) {
            text += fmt::format("{}={}\n", key, value);
        }
    }
    void add_all(const char* key, const YAML::Node& values) {
        if (!values) {
            return;
        }
        if (values.IsScalar()) {
            return add(key, values.Scalar());
        }
        for (const YAML::Node& value : values) {
            add(key, scalar(value));
        }
    }
};

bool is_true(const YAML::Node& node) {
    return node && node.as<bool>(false);
}

bool is_default(const std::string& to) {
    return to == "default" || to == "0.0.0.0/0" || to == "::/0";
}

Result<void> take_routes(const YAML::Node& routes, const char* to_key, const char* via_key, Lines& lines) {
    for (const YAML::Node& route : routes) {
        if (!is_default(scalar(route[to_key]))) {
            return fail(fmt::format("the route to '{}' is not possible here", scalar(route[to_key])), "",
                        "leave only the default route in it");
        }
        lines.add("gateway", scalar(route[via_key]));
    }
    return {};
}

Result<void> only_one(std::size_t interfaces) {
    if (interfaces == 1) {
        return {};
    }
    return fail(fmt::format("{} interfaces", interfaces), "", "describe one, which all of the machine's become");
}

Result<void> read_version_2(const YAML::Node& network, Lines& lines) {
    const YAML::Node interfaces = network["ethernets"];
    if (auto one = only_one(interfaces ? interfaces.size() : 0); !one) {
        return one;
    }
    const YAML::Node interface = interfaces.begin()->second;
    lines.dhcp = is_true(interface["dhcp4"]) || is_true(interface["dhcp6"]);
    lines.add_all("address", interface["addresses"]);
    lines.add("gateway", scalar(interface["gateway4"]));
    lines.add("gateway", scalar(interface["gateway6"]));
    if (interface["nameservers"]) {
        lines.add_all("dns", interface["nameservers"]["addresses"]);
    }
    return interface["routes"] ? take_routes(interface["routes"], "to", "via", lines) : Result<void>();
}

Result<void> take_subnet(const YAML::Node& subnet, Lines& lines) {
    const std::string type = scalar(subnet["type"]);
    if (type.starts_with("dhcp")) {
        lines.dhcp = true;
        return {};
    }
    const std::string address = scalar(subnet["address"]);
    if (!type.starts_with("static") || address.find('/') == std::string::npos) {
        return fail(fmt::format("the subnet '{}' of type '{}' is not possible here", address, type), "",
                    "write type: static and address: 10.0.0.2/24");
    }
    lines.add("address", address);
    lines.add("gateway", scalar(subnet["gateway"]));
    lines.add_all("dns", subnet["dns_nameservers"]);
    return subnet["routes"] ? take_routes(subnet["routes"], "network", "gateway", lines) : Result<void>();
}

Result<void> read_version_1(const YAML::Node& network, Lines& lines) {
    std::vector<YAML::Node> interfaces;
    for (const YAML::Node& entry : network["config"]) {
        const std::string type = scalar(entry["type"]);
        if (type == "physical") {
            interfaces.push_back(entry);
        } else if (type == "nameserver") {
            lines.add_all("dns", entry["address"]);
        } else {
            return fail(fmt::format("'{}' is not possible here", type), "", "describe one interface of type: physical");
        }
    }
    if (auto one = only_one(interfaces.size()); !one) {
        return one;
    }
    for (const YAML::Node& subnet : interfaces.front()["subnets"]) {
        if (auto taken = take_subnet(subnet, lines); !taken) {
            return taken;
        }
    }
    return {};
}

}  // namespace

Result<UserData> read_user_data(std::string_view text) {
    if (!text.starts_with("#cloud-config")) {
        return fail("user-data is no cloud-config", "its first line is another than #cloud-config");
    }
    return read_yaml<UserData>(text, "user-data", [](const YAML::Node& document) -> Result<UserData> {
        UserData found;
        if (!document.IsMap()) {
            return found;
        }
        for (const auto& entry : document) {
            const std::string key = scalar(entry.first);
            if (key != "write_files") {
                found.passed_over.push_back(fmt::format("'{}' means nothing here", key));
                continue;
            }
            for (const YAML::Node& file : entry.second) {
                if (!file.IsMap()) {
                    return fail("user-data has an entry of write_files that is none", "", "give it path and content");
                }
                if (auto taken = take_file(file, found); !taken) {
                    return tl::unexpected(taken.error());
                }
            }
        }
        return found;
    });
}

Result<std::string> read_network_config(std::string_view text) {
    return read_yaml<std::string>(text, "network-config", [](const YAML::Node& document) -> Result<std::string> {
        const YAML::Node network = document.IsMap() && document["network"] ? document["network"] : document;
        const int version = network.IsMap() && network["version"] ? network["version"].as<int>(0) : 0;
        Lines lines;
        const auto read = version == 2 ? read_version_2(network, lines)
                          : version == 1
                              ? read_version_1(network, lines)
                              : Result<void>(fail("network-config has another version", "1 and 2 are known"));
        if (!read) {
            return tl::unexpected(read.error());
        }
        if (lines.dhcp && !lines.text.empty()) {
            return fail("network-config asks for DHCP and names addresses", "", "leave one of them out");
        }
        return lines.text;
    });
}

}  // namespace images::setup

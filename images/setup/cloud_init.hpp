// CloudInit: what an appliance can take of a volume in cloud-init's NoCloud layout: files, and the network. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace images::setup {

struct UserData {
    std::map<std::string, std::string> files;  // by their names in /etc/gatehouse
    std::vector<std::string> passed_over;      // a line each, for the operator
};

// Reads "user-data" (#cloud-config): the entries of write_files with a path /etc/gatehouse/NAME. content is text, or
// base64 where encoding says b64 or base64. All else is ignored with a line for the operator: there is no shell, no
// user and no package here. Error: no cloud-config, no YAML (with its line), or an entry that is none.
core::base::Result<UserData> read_user_data(std::string_view text);

// Of "network-config" (version 1 or 2, with or without "network:" around it), as lines for network_file; empty where it
// says DHCP. Error: more than one interface, or a setting that is not supported.
core::base::Result<std::string> read_network_config(std::string_view text);

}  // namespace images::setup

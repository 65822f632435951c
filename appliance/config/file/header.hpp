// "Name: value", as checks and recipes spell what a request of Gatehouse's own sends beside what it always does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "appliance/config/file/section.hpp"
#include "core/base/result.hpp"

namespace appliance::config {

// Whether such a request may have it. host_key: the key that says what Host is. Error: why not.
core::Result<void> check_header(std::string_view text, std::string_view host_key);

// The value of key, a list of at most Bounds::headers. Those that check_header() takes; complains of the others.
std::vector<std::string> read_headers(Section& section, std::string_view key, std::string_view host_key);

}  // namespace appliance::config

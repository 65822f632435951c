// The known word that a mistyped one was probably meant to be. Used for keys, names and choices of the configuration.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace appliance::config {

// The candidate with the smallest edit distance (insert, delete, replace, swap of neighbours, each 1; letter case is
// free), where it is small against the length of the word; empty where nothing is near. The first of equals wins.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

// What to do about a wrong word: "did you mean 'address'?", else "known WHAT: a, b, c", else "there are no WHAT".
// At most 12 candidates are listed.
std::string suggest(std::string_view word, std::span<const std::string_view> candidates, std::string_view what);

}  // namespace appliance::config

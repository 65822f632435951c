// Screen: what the console shows, and the words that may be typed there. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace images::console {

struct Facts {
    std::string version;                 // of the image
    std::string name;                    // of the machine
    std::vector<std::string> addresses;  // without loopback's and link-local ones
    std::string fingerprint;             // of the API's certificate, SHA-256; empty: it has none
    std::optional<std::string> state;    // Gatehouse's answer, JSON; nothing: it does not answer

    friend bool operator==(const Facts&, const Facts&) = default;
};

// Lines of 80 columns at most, each with its end. Control characters in the facts are shown as '?'.
std::string draw(const Facts& facts);

enum class Wish { none, reboot, forget };

// Takes a word and Enter from the console: "reboot", or "forget", which has to be typed once more. Anything else, and a
// word of more than 16 characters, is dropped.
class Keyboard {
public:
    // What the key asks for, and in `answer` what is to be shown for it; empty: nothing.
    Wish press(char key, std::string& answer);

private:
    std::string word_;
    bool sure_ = false;  // "forget" was typed once
};

}  // namespace images::console

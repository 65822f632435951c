// Asking the operator, where one sits at a terminal.
#pragma once

namespace appliance::cli {

// Whether a person could see a question and answer it: standard input and standard error are terminals.
bool somebody_looks();

// Asks "Go on? [y/N]" on standard error. True where the answer begins with y; an end of input is a no.
bool agreed();

}  // namespace appliance::cli

#include "netfilter/model/repair.hpp"

namespace netfilter {

void add(Repair& to, const Repair& more) {
    to.structure = to.structure || more.structure;
    to.missing += more.missing;
    to.altered += more.altered;
}

}  // namespace netfilter

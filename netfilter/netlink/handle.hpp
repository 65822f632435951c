// Handle: owns an object of libnftnl. Included only by .cpp files that use that library's objects.
#pragma once

#include <memory>

namespace netfilter {

template <auto Free>
struct Freed {
    template <typename Object>
    void operator()(Object* object) const {
        Free(object);
    }
};

template <typename Object, auto Free>
using Handle = std::unique_ptr<Object, Freed<Free>>;

}  // namespace netfilter

#include "core/io/frames.hpp"

#include <array>
#include <new>

namespace core::io {
namespace {

constexpr std::size_t granule = 64;
constexpr std::size_t pooled_max = 4096;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool pooling = false;  // the sanitizers must see each frame's own lifetime
#else
constexpr bool pooling = true;
#endif

struct FreeFrame {
    FreeFrame* next;
};

// Frees its lists when the thread ends, so that leak checkers report nothing.
struct Lists {
    std::array<FreeFrame*, pooled_max / granule + 1> heads{};
    ~Lists() {
        for (FreeFrame* head : heads) {
            while (head != nullptr) {
                FreeFrame* next = head->next;
                ::operator delete(head);
                head = next;
            }
        }
    }
};

thread_local Lists lists;

}  // namespace

void* allocate_frame(std::size_t size) {
    const std::size_t size_class = (size + granule - 1) / granule;
    if (!pooling || size > pooled_max) {
        return ::operator new(size);
    }
    FreeFrame*& head = lists.heads[size_class];
    if (head != nullptr) {
        FreeFrame* frame = head;
        head = frame->next;
        return frame;
    }
    return ::operator new(size_class* granule);
}

void free_frame(void* frame, std::size_t size) noexcept {
    if (!pooling || size > pooled_max) {
        ::operator delete(frame);
        return;
    }
    FreeFrame*& head = lists.heads[(size + granule - 1) / granule];
    head = new (frame) FreeFrame{head};
}

}  // namespace core::io

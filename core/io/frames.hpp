// Frames: memory for coroutine frames from per-thread free lists, one per size class. g++ 12 never elides a frame's
// allocation, and after warm-up the hot path must not call malloc.
#pragma once

#include <cstddef>

namespace core::io {

// Memory for a frame of size bytes; freed on the same thread or another. Throws std::bad_alloc.
void* allocate_frame(std::size_t size);
void free_frame(void* frame, std::size_t size) noexcept;

}  // namespace core::io

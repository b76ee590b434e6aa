#pragma once

#include <string>

#include "shm/descriptors/descriptor.hpp"
#include "shm/types/bytes.hpp"

namespace sluice::supervisor {

/// An empty memfd; `name` shows in /proc only. Throws StartError.
[[nodiscard]] Descriptor make_memory_file(const std::string& name);

/// Seals `file` against every change, by whoever holds it. Throws StartError.
void seal(const Descriptor& file);

/// A sealed memfd with this content. Throws StartError.
[[nodiscard]] Descriptor make_sealed_file(const std::string& name, Bytes content);

}  // namespace sluice::supervisor

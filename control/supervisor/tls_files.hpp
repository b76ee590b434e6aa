#pragma once

#include <filesystem>
#include <vector>

#include "shm/descriptors/descriptor.hpp"
#include "shm/descriptors/descriptor_set.hpp"

namespace sluice::supervisor {

/// The PEM files of signaling.tls, copied into memory for control, which reads them there under the user that it has
/// become: a key that only root can read stays that way. Bytes are copied, not looked at.
class TlsFiles {
 public:
  /// Empty paths: none. A file that cannot be read is not passed on; control then tries by itself and says what is wrong.
  /// `certificate_memory` and `key_memory`: where a predecessor copied them to, or invalid.
  TlsFiles(std::filesystem::path certificate, std::filesystem::path key, Descriptor certificate_memory = {},
           Descriptor key_memory = {});

  /// Copies them again, into the same memory. One that cannot be read any more stays as it was.
  void reload();
  /// "tls.cert" and "tls.key".
  [[nodiscard]] std::vector<NamedDescriptor> descriptors() const;

 private:
  struct Copy {
    std::filesystem::path source;
    Descriptor memory;  // invalid: never read
  };
  static void refresh(Copy& copy);

  Copy certificate_;
  Copy key_;
};

}  // namespace sluice::supervisor

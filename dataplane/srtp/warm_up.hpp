#pragma once

namespace sluice {

/// Uses every cipher once, so that OpenSSL has read its configuration and found its implementations before the first
/// session: that costs milliseconds, and opens files, which a worker can do only until it forbids itself to.
void warm_up_ciphers();

}  // namespace sluice
